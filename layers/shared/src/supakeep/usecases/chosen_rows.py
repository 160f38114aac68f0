"""The rows of a backup that a restore was asked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from supakeep.archive.layout import split_rows
from supakeep.archive.reader import BackupReader
from supakeep.domain.batches import batches
from supakeep.domain.manifest import TableEntry
from supakeep.domain.restore import RestoreRequest, matches
from supakeep.errors import ChecksumError

BATCH_ROWS = 1000
BATCH_BYTES = 1024 * 1024
# Foreign keys are checked at the end of a statement: in a table that refers to itself, the more rows
# stand in one, the fewer are refused because the row that they refer to comes later.
TREE_BATCH_ROWS = 50_000
TREE_BATCH_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True)
class ChosenRows:
    """Reads them from the backup's copies, table by table."""

    reader: BackupReader
    request: RestoreRequest

    def of(self, entry: TableEntry) -> Iterator[list[bytes]]:
        """The chosen rows of one table in batches, in the order of the backup.

        Raises ChecksumError, after the last row, where the backup holds more or fewer rows of the
        table than its manifest says.
        """
        is_tree = entry.name in entry.references
        return batches(
            self._chosen(entry),
            most_rows=TREE_BATCH_ROWS if is_tree else BATCH_ROWS,
            most_bytes=TREE_BATCH_BYTES if is_tree else BATCH_BYTES,
        )

    def _chosen(self, entry: TableEntry) -> Iterator[list[bytes]]:
        where, found = self.request.where, 0
        for part in entry.parts:
            for rows in split_rows(self.reader.read_part(part)):
                found += len(rows)
                yield [row for row in rows if matches(row, where)] if where else rows
        if found != entry.rows:
            raise ChecksumError(
                f"{self.reader.manifest.backup} holds {found:,} rows of {entry.name}, and its manifest "
                f"says {entry.rows:,}",
                operation="restore",
                key=entry.name,
                hint="Restore this table from another backup.",
            )
