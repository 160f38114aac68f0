"""Deletes rows of one table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from psycopg import sql

from supakeep.databases.postgres.lines import line_of
from supakeep.databases.postgres.restore.comparison import Found, Gap
from supakeep.databases.postgres.restore.keys import Key, TableKeys
from supakeep.databases.postgres.restore.session import RestoreSession
from supakeep.databases.postgres.sql import columns_of, key_literal, key_of, key_operands, rows_of
from supakeep.domain.row_changes import MOST_SAMPLES, RowChanges
from supakeep.domain.schema import Table

_NOTED = sql.Identifier("pg_temp", "supakeep_extra_rows")


class Which(NamedTuple):
    """A condition on the rows `t` of a table, and its parameters."""

    condition: sql.Composable
    parameters: Sequence[Sequence[str]] = ()


class Deletion:
    """Deletes rows and counts them in `changes`; a dry run only counts them, and shows some."""

    def __init__(self, session: RestoreSession, table: Table) -> None:
        self._session = session
        self._table = table
        self._keys = TableKeys(session, table)
        self._is_rehearsed = False

    def of_extra(self, found: Found, changes: RowChanges) -> None:
        """The live rows that the backup does not have."""
        if found.extra_keys:
            self._take(self._of_keys(found.extra_keys), changes)
        for gap in found.gaps:
            self._take(self._of_gap(gap), changes)

    def all(self, changes: RowChanges) -> None:
        self._take(Which(sql.SQL("true")), changes)

    def of_rows(self, rows: Sequence[bytes]) -> None:
        """The live rows that have these rows' keys; they come back and do not count."""
        self._delete(self._of_keys([self._keys.of(row) for row in rows]))

    def _of_keys(self, keys: Sequence[Key]) -> Which:
        condition = sql.SQL("exists (select from {} where {})").format(
            self._keys.as_table(), self._keys.same()
        )
        return Which(condition, self._keys.parameters(keys))

    def _of_gap(self, gap: Gap) -> Which:
        bounds = [
            sql.SQL("{} {} {}").format(
                key_of(self._table), sql.SQL(operator), key_literal(self._table, bound)
            )
            for operator, bound in ((">", gap.low), ("<=", gap.high))
            if bound is not None
        ]
        condition = sql.SQL("{} and not exists (select from {} where {})").format(
            sql.SQL(" and ").join(bounds) if bounds else sql.SQL("true"),
            self._keys.as_table(),
            self._keys.same(),
        )
        return Which(condition, self._keys.parameters(gap.kept))

    def _take(self, which: Which, changes: RowChanges) -> None:
        if not self._session.dry_run:
            changes.deleted += self._delete(which)
            return
        self._rehearse(which)
        rows = self._count(which)
        changes.deleted += rows
        if rows and len(changes.deleted_rows) < MOST_SAMPLES:
            self._show(which, changes)

    def _delete(self, which: Which) -> int:
        return self._session.to_write().execute(self._statement(which), which.parameters).rowcount

    def _rehearse(self, which: Which) -> None:
        """Raises what Postgres would refuse whatever the rows are."""
        if not self._is_rehearsed:
            self._is_rehearsed = True
            query = sql.SQL("explain {}").format(self._statement(which))
            self._session.to_write().execute(query, which.parameters)

    def _count(self, which: Which) -> int:
        query = self._query(sql.SQL("count(*)"), which)
        row = self._session.to_read().execute(query, which.parameters).fetchone()
        return int(row[0]) if row else 0

    def _show(self, which: Which, changes: RowChanges) -> None:
        """Keeps the first of the rows in `changes`."""
        table = self._table
        line = sql.SQL("convert_to({}, 'UTF8')").format(line_of(table))
        query = sql.SQL("{} {} limit {}").format(
            self._query(line, which), self._in_order(), sql.Literal(MOST_SAMPLES)
        )
        # row by row, as they may be wide
        with self._session.to_read().cursor() as cursor:
            for (row,) in cursor.stream(query, which.parameters, binary=True):
                changes.sample_deleted(table.primary_key, row, table.column_names)

    def _in_order(self) -> sql.Composable:
        key = self._table.primary_key
        return sql.SQL("order by {}").format(columns_of(key, "t")) if key else sql.SQL("")

    def _statement(self, which: Which) -> sql.Composed:
        return sql.SQL("delete from {} t where {}").format(rows_of(self._table), which.condition)

    def _query(self, selected: sql.Composable, which: Which) -> sql.Composed:
        return sql.SQL("select {} from {} t where {}").format(
            selected, rows_of(self._table), which.condition
        )


class DeletionAtOnce(Deletion):
    """Notes the keys of rows and deletes them in one statement at the end: rows may refer to each
    other, and foreign keys are checked after a statement.
    """

    def __init__(self, session: RestoreSession, table: Table) -> None:
        super().__init__(session, table)
        if not session.dry_run:
            query = sql.SQL("create temp table {} on commit drop as select {} from {} with no data")
            columns = columns_of(table.primary_key)
            session.to_write().execute(query.format(_NOTED, columns, rows_of(table)))

    def finish(self) -> None:
        if self._session.dry_run:
            return
        query = sql.SQL("delete from {} t where {} in (select {} from {} n)").format(
            rows_of(self._table),
            key_of(self._table),
            key_operands(self._table, "n"),
            _NOTED,
        )
        connection = self._session.to_write()
        connection.execute(query)
        connection.execute(sql.SQL("drop table {}").format(_NOTED))

    def _delete(self, which: Which) -> int:
        noting = sql.SQL("insert into {} {}").format(
            _NOTED, self._query(columns_of(self._table.primary_key, "t"), which)
        )
        return self._session.to_write().execute(noting, which.parameters).rowcount
