"""Narrow a drill to a portion of a backup, and say what it says nothing about."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from supakeep.archive.reader import BackupReader
from supakeep.domain.assertions import Assertion
from supakeep.domain.drill import NotProven
from supakeep.domain.manifest import Manifest, TableEntry, TableStatus
from supakeep.domain.portion import DrilledTable, Portion
from supakeep.ports import Deadline
from supakeep.usecases.sample_rows import sample_rows


def portion_of(
    reader: BackupReader, portion: Portion, deadline: Deadline
) -> tuple[BackupReader, Portion]:
    """A reader of these tables and rows only, and the portion with what its sample has found.

    Raises ChecksumError, or a StorageError, where no store has the volumes of a sample right.
    """
    tables, entries = list[DrilledTable](), list[TableEntry]()
    for table in portion.tables:
        entry = next(e for e in reader.manifest.tables if e.name == table.name)
        if table.is_sample:
            entry, table = sample_rows(reader, entry, table, deadline)  # noqa: PLW2901
        entries.append(entry)
        tables.append(table)
    incomplete = [e for e in reader.manifest.tables if e.status is not TableStatus.COMPLETE]
    narrowed = reader.narrowed_to([*entries, *incomplete])
    return narrowed, portion.model_copy(update={"tables": tuple(tables)})


def beyond(portion: Portion) -> Iterator[NotProven]:
    """What such a drill does not look at."""
    for table in portion.tables:
        if table.is_sample:
            why = (
                f"it does not fit alone: {table.rows:,} of its {table.of_rows:,} rows were drilled"
            )
            yield NotProven(what=f"{table.name} as a whole", why=why)
    others = portion.of_tables - len(portion.tables)
    if others:
        noun = "table" if others == 1 else "tables"
        yield NotProven(what=f"{others:,} other {noun}, in this drill", why=portion.why)


@dataclass(frozen=True)
class Answerable:
    """The `assertions` that can be asked, and the names of those that are `left_out`, with the reasons."""

    assertions: Sequence[Assertion]
    left_out: tuple[str, ...]
    notes: Sequence[NotProven]


def answerable(
    assertions: Sequence[Assertion],
    portion: Portion | None,
    manifest: Manifest,
    objection: Callable[[Assertion], str | None],
) -> Answerable:
    """Those that name no table of the backup that is not there whole, and meet no `objection`. A table is
    named where its name stands in the query as a word: rather none is asked than one that cannot hold.
    """
    lacking = _lacking(portion, manifest)
    asked, notes = list[Assertion](), list[NotProven]()
    for assertion in assertions:
        needed = [name for name in lacking if _names(assertion.query, name)]
        why = objection(assertion)
        if needed:
            why = f"it needs {' and '.join(needed)}, which this drill does not have whole"
        if why is None:
            asked.append(assertion)
        else:
            notes.append(NotProven(what=f"the assertion {assertion.name!r}", why=why))
    left_out = tuple(a.name for a in assertions if a not in asked)
    return Answerable(asked, left_out, notes)


def _lacking(portion: Portion | None, manifest: Manifest) -> Sequence[str]:
    if portion is None:
        return ()
    whole = {table.name for table in portion.tables if not table.is_sample}
    return [entry.table.name for entry in manifest.tables if entry.name not in whole]


def _names(query: str, table: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(table)}(?!\w)", query, re.IGNORECASE) is not None
