"""Composes the statement that inserts rows of a backup, given as one JSON array."""

from __future__ import annotations

from collections.abc import Collection

from psycopg import sql

from supakeep.databases.postgres.restore.sequences import WrittenValues
from supakeep.databases.postgres.sql import columns_of, name_of, type_of
from supakeep.domain.schema import Table, writable_columns

_ROWS = sql.SQL("pg_catalog.json_populate_recordset(null::{}, $1::json) r")
_ROWS_BY_LINE = sql.SQL(
    "pg_catalog.json_array_elements($1::json) e(line), "
    "pg_catalog.json_populate_record(null::{}, e.line) r"
)
# whether a row's member "" lists a column as one that holds JSON's null, or its value's text
_HOLDS_NULL = (
    "(case pg_catalog.json_typeof(e.line->'') when 'array' then e.line->'' "
    "else e.line->''->'null' end)::jsonb ? {}"
)
_HOLDS_TEXT = (
    "(case pg_catalog.json_typeof(e.line->'') when 'object' then e.line->''->'text' end)"
    "::jsonb ? {}"
)


class Insertion:
    """The rows of `backed_up` for `table`. The statement returns the columns of `written`, of each
    row that it wrote.
    """

    def __init__(self, table: Table, backed_up: Table, written: WrittenValues) -> None:
        self._table = table
        self.written = written
        self._never_null = {column.name for column in backed_up.columns if not column.nullable}
        self._written = writable_columns(table, backed_up)

    def settable(self, overwritten: Collection[str]) -> list[str]:
        """Those of the columns that an update can set."""
        return [
            column.name
            for column in self._table.columns
            if column.name in self._written
            and column.name in overwritten
            and column.identity != "always"
        ]

    def query(self, overwritten: Collection[str] | None, *, by_line: bool) -> bytes:
        """`overwritten` are the columns that a row which is there gets anew; None where no row with
        the same key is there. With `by_line`, rows may have the member `""`.
        """
        source = _ROWS_BY_LINE if by_line else _ROWS
        query = sql.SQL(
            "insert into {name} as t {columns} overriding system value select {values} "
            "from {source} {conflict} {returning}"
        ).format(
            name=name_of(self._table),
            columns=sql.SQL("({})").format(columns_of(self._written))
            if self._written
            else sql.SQL(""),
            values=sql.SQL(", ").join(self._value(name, by_line=by_line) for name in self._written),
            source=source.format(name_of(self._table)),
            conflict=self._on_conflict(overwritten),
            returning=self._returning(),
        )
        return query.as_bytes()

    def _value(self, name: str, *, by_line: bool) -> sql.Composable:
        """A column's value. Of json and jsonb, its text may be given, and JSON's null looks like
        SQL's.
        """
        value: sql.Composable = sql.Identifier("r", name)
        if name not in self._table.json_columns + self._table.jsonb_columns:
            return value
        type_, key = type_of(self._table, name), sql.Literal(name)
        if by_line:
            value = self._json_value(name)
        null = sql.SQL("'null'::{}").format(type_)
        if name in self._never_null:
            return sql.SQL("coalesce({}, {})").format(value, null)
        if not by_line:
            return value
        return sql.SQL("coalesce({}, case when {} then {} end)").format(
            value, sql.SQL(_HOLDS_NULL).format(key), null
        )

    def _json_value(self, name: str) -> sql.Composable:
        type_, key = type_of(self._table, name), sql.Literal(name)
        given: sql.Composable = sql.Identifier("r", name)
        if name in self._table.json_columns:
            # r would spell the escapes of a string anew
            given = sql.SQL(
                "case when pg_catalog.json_typeof(e.line->{0}) <> 'null' "
                "then (e.line->{0})::{1} end"
            ).format(key, type_)
        return sql.SQL("case when {} then (e.line->>{})::{} else {} end").format(
            sql.SQL(_HOLDS_TEXT).format(key), key, type_, given
        )

    def _on_conflict(self, overwritten: Collection[str] | None) -> sql.Composable:
        if overwritten is None:
            return sql.SQL("")
        action: sql.Composable = sql.SQL("nothing")
        if settable := self.settable(overwritten):
            action = sql.SQL("update set {}").format(
                sql.SQL(", ").join(
                    sql.SQL("{0} = excluded.{0}").format(sql.Identifier(name)) for name in settable
                )
            )
        key = columns_of(self._table.primary_key)
        return sql.SQL("on conflict ({}) do {}").format(key, action)

    def _returning(self) -> sql.Composable:
        if not self.written.columns:
            return sql.SQL("")
        values = [
            sql.SQL("{}::bigint").format(sql.Identifier("t", name)) for name in self.written.columns
        ]
        return sql.SQL("returning {}").format(sql.SQL(", ").join(values))
