"""Inserts rows of a backup into a table, and overwrites those that are there."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import psycopg
from psycopg import errors

from supakeep.databases.postgres.connection import Connection
from supakeep.databases.postgres.errors import without_values
from supakeep.databases.postgres.restore.copying import Copying
from supakeep.databases.postgres.restore.insertion import Insertion
from supakeep.databases.postgres.restore.row_layout import CopiedRows
from supakeep.databases.postgres.restore.session import RestoreSession
from supakeep.databases.postgres.restore.values import REFUSALS, ValueCheck
from supakeep.domain.json_text import shortened
from supakeep.domain.row_changes import UNNAMED
from supakeep.domain.schema import Table
from supakeep.errors import ConstraintViolationError, RestoreError

_BATCH_ROWS = 1000
_BATCH_BYTES = 1024 * 1024
# COPY is so fast that the database would wait for this process between two statements
_COPIED_ROWS = 4000
_COPIED_BYTES = 2 * 1024 * 1024


class Upsert:
    """Rows of one table, written many at a time while the next ones are prepared.

    `overwritten` are the columns that a row which is there gets anew; None where no row with the same
    key is there. `unchecked` are the table's checks that are NOT VALID. A dry run writes none, and
    finds values that the table cannot hold.
    """

    def __init__(
        self,
        session: RestoreSession,
        table: Table,
        insertion: Insertion,
        copying: Copying,
        check: ValueCheck,
        unchecked: Collection[str] = (),
    ) -> None:
        self._session = session
        self._table = table
        self._insertion = insertion
        self._copying = copying
        self._check = check
        self._unchecked = unchecked
        self.overwritten: Collection[str] | None = None
        self._queries: dict[bool, bytes] = {}
        self._rehearsed: set[bytes] = set()
        self._waiting: list[bytes] = []
        self._waiting_bytes = 0

    def begin(self, overwritten: Collection[str] | None) -> None:
        """Begins a pass over the rows; what waits from another pass is dropped."""
        self.overwritten = overwritten
        self._queries = {}
        self._waiting, self._waiting_bytes = [], 0

    def add(self, rows: Sequence[bytes]) -> None:
        self._waiting += rows
        self._waiting_bytes += sum(map(len, rows))

    def flush_many(self) -> None:
        """Writes what has come together, if that is worth a statement."""
        copied = self.overwritten is None and self._copying.is_possible
        rows, size = (_COPIED_ROWS, _COPIED_BYTES) if copied else (_BATCH_ROWS, _BATCH_BYTES)
        if len(self._waiting) >= rows or self._waiting_bytes >= size:
            self.flush()

    def flush(self) -> None:
        rows, self._waiting, self._waiting_bytes = self._waiting, [], 0
        if not rows:
            return
        # rows are taken apart while those before are written
        copied = None if self._session.dry_run else self._copied(rows)
        self._session.write_later(lambda connection: self._write(connection, rows, copied))

    def _copied(self, rows: Sequence[bytes]) -> CopiedRows | None:
        return self._copying.prepare(rows) if self.overwritten is None else None

    def _write(
        self, connection: Connection, rows: Sequence[bytes], copied: CopiedRows | None
    ) -> None:
        if self._session.dry_run:
            self._check.check(rows)
            self._rehearse(connection, rows)
            return
        try:
            written = (
                self._copying.write(connection, copied)
                if copied is not None
                else self._insert(connection, rows)
            )
        except REFUSALS as exc:
            self._session.abandon()
            if refused := self._unchecked_violation(exc) or self._check.explanation(exc, rows):
                raise refused from without_values(exc)
            raise
        if written != len(rows):
            raise self._kept_back(written, len(rows))

    def _insert(self, connection: Connection, rows: Sequence[bytes]) -> int:
        done = connection.execute(self._query(rows), [_array(rows)], binary=True)
        if done.pgresult is not None:
            self._insertion.written.add(done.pgresult)
        return done.rowcount

    def _rehearse(self, connection: Connection, rows: Sequence[bytes]) -> None:
        """Raises what Postgres would refuse whatever the values are; nothing is written."""
        query = self._query(rows)
        if query not in self._rehearsed:
            self._rehearsed.add(query)
            connection.execute(b"explain " + query, ["[]"])

    def _query(self, rows: Sequence[bytes]) -> bytes:
        by_line = bool(self._table.json_columns) or any(UNNAMED in row for row in rows)
        if by_line not in self._queries:
            self._queries[by_line] = self._insertion.query(self.overwritten, by_line=by_line)
        return self._queries[by_line]

    def _unchecked_violation(self, exc: psycopg.Error) -> ConstraintViolationError | None:
        name = exc.diag.constraint_name
        if not isinstance(exc, errors.CheckViolation) or name not in self._unchecked:
            return None
        table = self._table.qualified_name
        detail = shortened(exc.diag.message_detail or "")
        message = f"{table}: a row violates the check {name}, which is NOT VALID."
        return ConstraintViolationError(
            message,
            operation="restore",
            key=table,
            in_full=f"{message} {detail}",
            hint="Nothing was written. Drop the check for the restore and add it back NOT VALID, "
            "or leave the table out.",
        )

    def _kept_back(self, written: int, given: int) -> RestoreError:
        name = self._table.qualified_name
        return RestoreError(
            f"The restore was undone, because {name} took {written:,} of {given:,} rows",
            operation="restore",
            key=name,
            hint="A rule or a trigger of the table keeps rows back (ENABLE ALWAYS, or this role "
            "cannot switch triggers off). Disable it for the restore.",
        )


def _array(rows: Sequence[bytes]) -> str:
    return (b"[" + b",".join(rows) + b"]").decode()
