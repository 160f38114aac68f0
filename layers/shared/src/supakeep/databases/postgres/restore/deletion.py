"""Deletes rows of one table."""

from __future__ import annotations

from collections.abc import Sequence

from psycopg import sql

from supakeep.databases.postgres.restore.comparison import Found, Gap
from supakeep.databases.postgres.restore.keys import Key, TableKeys
from supakeep.databases.postgres.restore.session import RestoreSession
from supakeep.databases.postgres.sql import columns_of, key_literal, key_of, key_operands, rows_of
from supakeep.domain.schema import Table

_NOTED = sql.Identifier("pg_temp", "supakeep_extra_rows")


class Deletion:
    """Deletes rows and returns how many they were; a dry run counts them."""

    def __init__(self, session: RestoreSession, table: Table) -> None:
        self._session = session
        self._table = table
        self._keys = TableKeys(session, table)
        self._is_rehearsed = False

    def of_extra(self, found: Found) -> int:
        """The live rows that the backup does not have."""
        deleted = self.of_keys(found.extra_keys) if found.extra_keys else 0
        return deleted + sum(map(self._gap, found.gaps))

    def of_keys(self, keys: Sequence[Key]) -> int:
        condition = sql.SQL("exists (select from {} where {})").format(
            self._keys.as_table(), self._keys.same()
        )
        return self._delete(condition, self._keys.parameters(keys))

    def of_rows(self, rows: Sequence[bytes]) -> int:
        """The live rows that have these rows' keys."""
        return self.of_keys([self._keys.of(row) for row in rows])

    def all(self) -> int:
        return self._delete(sql.SQL("true"), [])

    def _gap(self, gap: Gap) -> int:
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
        return self._delete(condition, self._keys.parameters(gap.kept))

    def _delete(self, condition: sql.Composable, parameters: Sequence[Sequence[str]]) -> int:
        """Deletes by a condition on `t`."""
        deletion = sql.SQL("delete from {} t where {}").format(rows_of(self._table), condition)
        if not self._session.dry_run:
            return self._session.to_write().execute(deletion, parameters).rowcount
        if not self._is_rehearsed:
            # Postgres refuses what it would refuse whatever the rows are
            self._is_rehearsed = True
            self._session.to_write().execute(sql.SQL("explain {}").format(deletion), parameters)
        query = sql.SQL("select count(*) from {} t where {}").format(
            rows_of(self._table), condition
        )
        row = self._session.to_read().execute(query, parameters).fetchone()
        return int(row[0]) if row else 0


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

    def _delete(self, condition: sql.Composable, parameters: Sequence[Sequence[str]]) -> int:
        if self._session.dry_run:
            return super()._delete(condition, parameters)
        query = sql.SQL("insert into {} select {} from {} t where {}").format(
            _NOTED, columns_of(self._table.primary_key, "t"), rows_of(self._table), condition
        )
        return self._session.to_write().execute(query, parameters).rowcount
