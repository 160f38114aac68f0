"""Find the rows of a sample: whole ones, from one volume on, as many as its size allows."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from itertools import chain

from supakeep.archive.layout import ROW_SEPARATOR, split_rows
from supakeep.archive.reader import BackupReader
from supakeep.domain.manifest import Part, TableEntry
from supakeep.domain.portion import DrilledTable
from supakeep.ports import Deadline


def sample_rows(
    reader: BackupReader, entry: TableEntry, planned: DrilledTable, deadline: Deadline
) -> tuple[TableEntry, DrilledTable]:
    """The table with only these rows, as a manifest describes it, and what was taken: `planned` names the
    volume that it begins in, and how many bytes it may have. It has a row at least.
    """
    whole = entry.parts[0]
    rest = reader.rest_of(whole, planned.volumes[0])
    reader.check_volumes(
        reader.volumes_of([_with(entry, _start_of(rest, planned.bytes))]), deadline
    )
    part = _rows_of(reader, rest, whole, planned.bytes, deadline)
    if not part.rows:
        # one row alone fills what was left of the table
        part = _rows_of(reader, whole, whole, planned.bytes, deadline)
    volumes = reader.volume_numbers(part)
    found = {"rows": part.rows, "bytes": part.bytes, "volumes": tuple(volumes)}
    return _with(entry, part), planned.model_copy(update=found)


def _with(entry: TableEntry, part: Part) -> TableEntry:
    return entry.model_copy(update={"parts": (part,), "rows": part.rows, "bytes": part.bytes})


def _start_of(rest: Part, size: int) -> Part:
    return rest.model_copy(update={"bytes": min(rest.bytes, size)})


def _rows_of(reader: BackupReader, rest: Part, whole: Part, size: int, deadline: Deadline) -> Part:
    """The first rows of `rest`, of which the first one is a fragment unless the table begins there."""
    pieces = reader.read_part(rest.model_copy(update={"sha256": None}))
    skipped = 0
    if (rest.volume, rest.offset) != (whole.volume, whole.offset):
        skipped, pieces = _after_the_first_line(pieces)
    digest, rows, taken = hashlib.sha256(), 0, 0
    for row in chain.from_iterable(split_rows(pieces)):
        deadline.check()
        line = ROW_SEPARATOR + row if rows else row
        if rows and taken + len(line) > size:
            break
        digest.update(line)
        rows, taken = rows + 1, taken + len(line)
    offset = rest.offset + skipped
    return Part(
        rows=rows, bytes=taken, sha256=digest.hexdigest(), volume=rest.volume, offset=offset
    )


def _after_the_first_line(pieces: Iterator[bytes]) -> tuple[int, Iterator[bytes]]:
    """How many bytes the line has with its end, and what comes after it."""
    skipped = 0
    for piece in pieces:
        if end := piece.find(b"\n") + 1:
            return skipped + end, chain([piece[end:]], pieces)
        skipped += len(piece)
    return skipped, iter(())
