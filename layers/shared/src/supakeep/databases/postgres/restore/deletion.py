"""Deletes rows that a backup does not have, for the mode replace."""

from __future__ import annotations

from collections.abc import Sequence

from psycopg import sql

from supakeep.databases.postgres.restore.keys import Key, TableKeys
from supakeep.databases.postgres.restore.session import RestoreSession
from supakeep.databases.postgres.sql import key_literal, key_of, rows_of
from supakeep.domain.schema import Table


class Deletion:
    """Deletes rows of one table and tells how many they were; a dry run counts them."""

    def __init__(self, session: RestoreSession, table: Table, keys: TableKeys) -> None:
        self._session = session
        self._table = table
        self._keys = keys

    def others(self, low: Key | None, high: Key | None, kept: Sequence[Key]) -> int:
        """The live rows above `low` and up to `high` but those whose keys are `kept`."""
        bounds = [
            sql.SQL("{} {} {}").format(
                key_of(self._table), sql.SQL(operator), key_literal(self._table, bound)
            )
            for operator, bound in ((">", low), ("<=", high))
            if bound is not None
        ]
        condition = sql.SQL("{} and not exists (select from {} where {})").format(
            sql.SQL(" and ").join(bounds) if bounds else sql.SQL("true"),
            self._keys.as_table(),
            self._keys.same(),
        )
        return self._delete(condition, self._keys.parameters(kept))

    def of_keys(self, keys: Sequence[Key]) -> int:
        condition = sql.SQL("exists (select from {} where {})").format(
            self._keys.as_table(), self._keys.same()
        )
        return self._delete(condition, self._keys.parameters(keys))

    def all(self) -> int:
        return self._delete(sql.SQL("true"), [])

    def _delete(self, condition: sql.Composable, parameters: Sequence[Sequence[str]]) -> int:
        """Deletes by a condition on `t`."""
        connection = self._session.connection
        if not self._session.dry_run:
            query = sql.SQL("delete from {} t where {}").format(rows_of(self._table), condition)
            return connection.execute(query, parameters).rowcount
        query = sql.SQL("select count(*) from {} t where {}").format(
            rows_of(self._table), condition
        )
        row = connection.execute(query, parameters).fetchone()
        return int(row[0]) if row else 0
