"""Upserts the rows of one table, working around single rows that the database refuses."""

from __future__ import annotations

from collections.abc import Sequence

from supakeep.domain.json_text import key_of
from supakeep.domain.manifest import TableEntry
from supakeep.domain.restore import RefusedRow, RestoredTable
from supakeep.domain.schema import Table
from supakeep.errors import ConstraintViolationError, RestoreError
from supakeep.ports import TargetDatabase

MAX_REFUSED_ROWS = 1000
_REPORTED_ROWS = 20


class TableUpsert:
    """One pass over a table's rows, and its counts."""

    def __init__(
        self, target: TargetDatabase, table: Table, columns: Sequence[str], *, dry_run: bool
    ) -> None:
        self._target = target
        self._table = table
        self._columns = columns
        self._dry_run = dry_run
        self.seen = self.inserted = self.updated = self.unchanged = self.refused = 0
        self._refused_rows: list[RefusedRow] = []

    def write(self, rows: Sequence[bytes]) -> None:
        """Writes a batch; where it is refused, halves it until the refused rows stand alone."""
        self.seen += len(rows)
        self._write(rows)

    def _write(self, rows: Sequence[bytes]) -> None:
        try:
            counts = self._target.upsert(self._table, self._columns, rows, dry_run=self._dry_run)
        except ConstraintViolationError as exc:
            if len(rows) == 1:
                self._refuse(rows[0], exc)
                return
            middle = len(rows) // 2
            self._write(rows[:middle])
            self._write(rows[middle:])
            return
        self.inserted += counts.inserted
        self.updated += counts.updated
        self.unchanged += counts.unchanged

    def added_to(self, earlier: TableUpsert) -> TableUpsert:
        """The counts of both passes; rows that the first wrote are unchanged in the second."""
        self.inserted += earlier.inserted
        self.updated += earlier.updated
        self.unchanged = self.seen - self.inserted - self.updated - self.refused
        return self

    def report(self, entry: TableEntry) -> RestoredTable:
        return RestoredTable(
            name=entry.name,
            rows_in_backup=entry.rows,
            inserted=self.inserted,
            updated=self.updated,
            unchanged=self.unchanged,
            refused=self.refused,
            refused_rows=tuple(self._refused_rows),
        )

    def _refuse(self, row: bytes, error: ConstraintViolationError) -> None:
        self.refused += 1
        if len(self._refused_rows) < _REPORTED_ROWS:
            key = key_of(row, self._table.primary_key)
            self._refused_rows.append(RefusedRow(row=key, reason=error.message))
        if self.refused >= MAX_REFUSED_ROWS:
            raise RestoreError(
                f"{self._table.qualified_name}: the database refused {self.refused:,} rows, "
                f"the last one because: {error.message}",
                operation="restore",
                key=self._table.qualified_name,
                hint="Restore the tables that it refers to first; rows already written stay.",
            ) from error
