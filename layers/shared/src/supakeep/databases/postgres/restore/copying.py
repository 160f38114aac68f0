"""Copies rows of a backup into a table that has none with their keys."""

from __future__ import annotations

from collections.abc import Sequence

from psycopg import sql

from supakeep.databases.postgres.connection import Connection
from supakeep.databases.postgres.restore.row_layout import CopiedRows, RowLayout
from supakeep.databases.postgres.restore.sequences import WrittenValues
from supakeep.databases.postgres.sql import columns_of, name_of
from supakeep.domain.schema import Table

# so many batches may be read in vain: a column of arrays would cost every batch its time
_PATIENCE = 2


class Copying:
    """COPY for rows whose values it takes as INSERT would, from lines that are taken apart here.

    It knows no rules, and does not return what it wrote. So only columns that the rows have may be
    drawn from a sequence, and nothing may fire.
    """

    def __init__(
        self, table: Table, backed_up: Table, written: WrittenValues, *, triggers_fire: bool
    ) -> None:
        self._layout = RowLayout(table, backed_up, written.columns)
        self._written = written
        returned = set(written.columns) <= set(self._layout.columns)
        is_possible = bool(self._layout.columns) and self._layout.provable and returned
        self._patience = _PATIENCE if is_possible and not triggers_fire else 0
        self._query = sql.SQL("copy {} ({}) from stdin").format(
            name_of(table), columns_of(self._layout.columns)
        )

    @property
    def is_possible(self) -> bool:
        """Whether rows may be prepared; not once too many batches were read in vain."""
        return self._patience > 0

    def prepare(self, rows: Sequence[bytes]) -> CopiedRows | None:
        """The rows for `write`; None where they take an INSERT."""
        copied = self._layout.read(rows) if self.is_possible else None
        if copied is None:
            self._patience = max(0, self._patience - 1)
        return copied

    def write(self, connection: Connection, rows: CopiedRows) -> int:
        """Returns how many rows the table took."""
        with connection.cursor() as cursor:
            with cursor.copy(self._query) as copy:
                copy.write(rows.text)
            for column, values in rows.numbers.items():
                self._written.note(column, values)
            return cursor.rowcount
