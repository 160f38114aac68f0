"""The rows of a stored table as a restore, a drill and a comparison take them."""

from __future__ import annotations

from collections.abc import Iterator

from supakeep.archive.layout import split_rows
from supakeep.archive.reader import BackupReader
from supakeep.domain.manifest import TableEntry
from supakeep.domain.row_changes import without_members


def stored_rows(reader: BackupReader, entry: TableEntry) -> Iterator[list[bytes]]:
    """A table's rows without the masks, which are nobody's values; ChecksumError, after the last one of
    a part, where they are damaged.
    """
    masked = entry.policy.masked
    for part in entry.parts:
        for rows in split_rows(reader.read_part(part)):
            yield [without_members(row, masked) for row in rows] if masked else rows
