"""Which tables of a backup the drills of it have proven, each looked at by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from supakeep.domain.ledger import LedgerEntry
from supakeep.domain.manifest import Manifest
from supakeep.domain.portion import DrilledTable, complete_tables


@dataclass(frozen=True)
class Coverage:
    """By the names of the tables, the newest drill that proved them: whole, or by `samples` where the last
    drill of the whole table has not shown that it restores. `is_whole` says whether all are proven whole.
    """

    whole: Mapping[str, LedgerEntry]
    samples: Mapping[str, LedgerEntry]
    is_whole: bool

    @classmethod
    def of(cls, manifest: Manifest, entries: Sequence[LedgerEntry]) -> Coverage:
        """`entries` are about this very backup, the newest first."""
        said = [e for e in entries if e.report.came_back or not e.report.is_whole]
        names = [entry.name for entry in complete_tables(manifest)]
        whole, samples = dict[str, LedgerEntry](), dict[str, LedgerEntry]()
        for name in names:
            for entry in said:
                drilled = drilled_in(entry, name)
                if drilled is None:
                    continue
                if entry.report.came_back and drilled.is_sample:
                    samples.setdefault(name, entry)
                    continue
                if entry.report.came_back:
                    whole[name] = entry
                break
        is_whole = bool(said) and said[0].report.came_back and len(whole) == len(names)
        only_samples = {name: entry for name, entry in samples.items() if name not in whole}
        return cls(whole, only_samples, is_whole)


def drilled_in(entry: LedgerEntry, name: str) -> DrilledTable | None:
    """What a drill restored of a table, None where it was not among its tables."""
    portion = entry.report.portion
    if portion is None:
        return DrilledTable(name=name, rows=0, of_rows=0, bytes=0)
    return next((table for table in portion.tables if table.name == name), None)


def is_settled(entry: LedgerEntry, later: Sequence[LedgerEntry], manifest: Manifest) -> bool:
    """Whether later drills, which had nothing to object, were about everything that this one was about."""
    names = [table.name for table in complete_tables(manifest) if drilled_in(entry, table.name)]
    fine = [e for e in later if e.report.is_whole and e.report.broken_off is None]
    return bool(fine) and all(any(drilled_in(e, name) for e in fine) for name in names)
