"""The keys of rows in a document, and the live rows that have the same."""

from __future__ import annotations

from collections.abc import Sequence

from psycopg import sql

from supakeep.databases.postgres.lines import line_of
from supakeep.databases.postgres.restore.session import RestoreSession
from supakeep.databases.postgres.sql import (
    columns_of,
    compared_type,
    name_of,
    operand,
    rows_of,
    type_of,
)
from supakeep.domain.row_changes import text_of, tokens_of
from supakeep.domain.schema import Table

Key = tuple[str, ...]

# Equal values of these are spelled alike, and their order is the same in every database. That does
# not hold for text (collations), numeric (1.0 and 1.00), an enum (its order) or an extension's type.
_PLAIN_TYPES = frozenset(
    (
        *("smallint", "integer", "bigint", "uuid", "date", "boolean", "bytea", "oid"),
        *("timestamp with time zone", "timestamp without time zone"),
    )
)


class TableKeys:
    """The primary key of one table, its values as text."""

    def __init__(self, session: RestoreSession, table: Table) -> None:
        self._session = session
        self._table = table
        types = {column.name: column.type for column in table.columns}
        self.are_plain = all(types[name] in _PLAIN_TYPES for name in table.primary_key)

    def of(self, row: bytes) -> Key:
        tokens = tokens_of(row, self._table.primary_key)
        return tuple(
            # the text of jsonb is JSON
            tokens[name] if name in self._table.jsonb_columns else text_of(tokens[name]) or ""
            for name in self._table.primary_key
        )

    def as_table(self) -> sql.Composable:
        """A table `k` of keys with their number `n`, from one array for each column as parameter."""
        count = len(self._table.primary_key)
        arrays = sql.SQL(", ").join(
            sql.SQL(f"pg_catalog.unnest(${i + 1}::text[])") for i in range(count)
        )
        return sql.SQL("rows from ({}) with ordinality as k({}, n)").format(
            arrays, columns_of(f"k{i}" for i in range(count))
        )

    def parameters(self, keys: Sequence[Key]) -> list[list[str]]:
        """What `as_table` takes."""
        if not keys:
            return [[] for _ in self._table.primary_key]
        return [list(column) for column in zip(*keys, strict=True)]

    def same(self) -> sql.Composable:
        """That a row of `t` has the key `k`."""
        return sql.SQL(" and ").join(
            sql.SQL("{} = k.{}::{}").format(
                operand(self._table, name),
                sql.Identifier(f"k{i}"),
                compared_type(self._table, name),
            )
            for i, name in enumerate(self._table.primary_key)
        )

    def live_rows(self, keys: Sequence[Key], columns: Sequence[str]) -> list[bytes | None]:
        """For each key the live row that has it."""
        query = sql.SQL(
            "select k.n, convert_to({line}, 'UTF8') from {keys} join {rows} t on {same}"
        ).format(
            line=line_of(self._table, columns),
            keys=self.as_table(),
            rows=rows_of(self._table),
            same=self.same(),
        )
        found = (
            self._session.to_read().execute(query, self.parameters(keys), binary=True).fetchall()
        )
        lines: dict[int, bytes] = dict(found)
        return [lines.get(n) for n in range(1, len(keys) + 1)]

    def are_in_order(self, keys: Sequence[Key]) -> bool:
        """Whether these keys ascend as this table's do."""
        # a column's value, though it is null, brings its collation along
        values = sql.SQL(", ").join(
            sql.SQL("coalesce((null::{}).{}, k.{}::{})").format(
                name_of(self._table),
                sql.Identifier(name),
                sql.Identifier(f"k{i}"),
                type_of(self._table, name),
            )
            for i, name in enumerate(self._table.primary_key)
        )
        query = sql.SQL(
            "select coalesce(bool_and(o.fine), true) from (select "
            "row({values}) > lag(row({values})) over (order by k.n) as fine from {keys}) o"
        ).format(values=values, keys=self.as_table())
        row = self._session.to_read().execute(query, self.parameters(keys)).fetchone()
        return bool(row and row[0])
