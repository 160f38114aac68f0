"""Inserts rows of a backup into a table, and overwrites those that are there."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from psycopg import sql

from supakeep.databases.postgres.connection import Connection
from supakeep.databases.postgres.restore.session import RestoreSession
from supakeep.databases.postgres.restore.values import ValueCheck
from supakeep.databases.postgres.sql import columns_of, name_of, type_of
from supakeep.domain.row_changes import UNNAMED
from supakeep.domain.schema import Table, writable_columns
from supakeep.errors import RestoreError

_ROWS = sql.SQL("json_populate_recordset(null::{}, $1::json) r")
_ROWS_BY_LINE = sql.SQL(
    "json_array_elements($1::json) e(line), json_populate_record(null::{}, e.line) r"
)
# whether a row's member "" lists a column as one that holds JSON's null, or its value's text
_HOLDS_NULL = (
    "(case json_typeof(e.line->'') when 'array' then e.line->'' "
    "else e.line->''->'null' end)::jsonb ? {}"
)
_HOLDS_TEXT = "(case json_typeof(e.line->'') when 'object' then e.line->''->'text' end)::jsonb ? {}"
_BATCH_ROWS = 1000
_BATCH_BYTES = 1024 * 1024


class Upsert:
    """Rows of `backed_up` for `table`, written many at a time while the next ones are prepared.

    `overwritten` are the columns that a row which is there gets anew; None where no row is there.
    A dry run writes none, and finds values that the table cannot hold.
    """

    def __init__(
        self,
        session: RestoreSession,
        table: Table,
        backed_up: Table,
        values: ValueCheck,
        overwritten: Collection[str] | None,
    ) -> None:
        self._session = session
        self._table = table
        self._written = writable_columns(table, backed_up)
        self._never_null = {column.name for column in backed_up.columns if not column.nullable}
        self._values = values
        self._writes_all = True
        self._conflict = self._on_conflict(overwritten)
        self._queries: dict[bool, bytes] = {}
        self._waiting: list[bytes] = []
        self._waiting_bytes = 0

    def add(self, rows: Sequence[bytes]) -> None:
        self._waiting += rows
        self._waiting_bytes += sum(map(len, rows))

    def flush_many(self) -> None:
        """Writes what has come together, if that is worth a statement."""
        if len(self._waiting) >= _BATCH_ROWS or self._waiting_bytes >= _BATCH_BYTES:
            self.flush()

    def flush(self) -> None:
        rows, self._waiting, self._waiting_bytes = self._waiting, [], 0
        if rows:
            self._session.run_later(lambda connection: self._write(connection, rows))

    def _write(self, connection: Connection, rows: Sequence[bytes]) -> None:
        if self._session.dry_run:
            self._values.check(rows)
            return
        by_line = bool(self._table.json_columns) or any(UNNAMED in row for row in rows)
        if by_line not in self._queries:
            self._queries[by_line] = self._query(by_line=by_line)
        with self._values.explained(rows):
            json = (b"[" + b",".join(rows) + b"]").decode()
            written = connection.execute(self._queries[by_line], [json]).rowcount
        if written != len(rows) and self._writes_all:
            raise self._kept_back(written, len(rows))

    def _kept_back(self, written: int, given: int) -> RestoreError:
        name = self._table.qualified_name
        return RestoreError(
            f"The restore was undone, because {name} took {written:,} of {given:,} rows",
            operation="restore",
            key=name,
            hint="A rule or a trigger of the table keeps rows back (ENABLE ALWAYS, or this role "
            "cannot switch triggers off). Disable it for the restore.",
        )

    def _query(self, *, by_line: bool) -> bytes:
        source = _ROWS_BY_LINE if by_line else _ROWS
        query = sql.SQL(
            "insert into {name} as t {columns} overriding system value select {values} "
            "from {source} {conflict}"
        ).format(
            name=name_of(self._table),
            columns=sql.SQL("({})").format(columns_of(self._written))
            if self._written
            else sql.SQL(""),
            values=sql.SQL(", ").join(self._value(name, by_line=by_line) for name in self._written),
            source=source.format(name_of(self._table)),
            conflict=self._conflict,
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
                "case when json_typeof(e.line->{0}) <> 'null' then (e.line->{0})::{1} end"
            ).format(key, type_)
        return sql.SQL("case when {} then (e.line->>{})::{} else {} end").format(
            sql.SQL(_HOLDS_TEXT).format(key), key, type_, given
        )

    def _on_conflict(self, overwritten: Collection[str] | None) -> sql.Composable:
        if overwritten is None:
            return sql.SQL("")
        settable = [
            column.name
            for column in self._table.columns
            if column.name in self._written
            and column.name in overwritten
            and column.identity != "always"
        ]
        # rows that differ only in columns that cannot be set
        self._writes_all = bool(settable)
        action: sql.Composable = sql.SQL("nothing")
        if settable:
            action = sql.SQL("update set {}").format(
                sql.SQL(", ").join(
                    sql.SQL("{0} = excluded.{0}").format(sql.Identifier(name)) for name in settable
                )
            )
        key = columns_of(self._table.primary_key)
        return sql.SQL("on conflict ({}) do {}").format(key, action)
