"""Writes the rows of one table: only those that differ, found by comparing JSON text as bytes.

Parsing is what costs. Both sides are the same JSON text made by Postgres, so a range of keys whose
bytes are equal is done with one comparison; only rows that differ are parsed, by Postgres.
"""

from __future__ import annotations

from collections.abc import Sequence

from psycopg import sql

from supakeep.adapters.postgres_connection import Connection, mapped_errors
from supakeep.adapters.postgres_keys import Key, TableKeys
from supakeep.adapters.postgres_lines import line_of
from supakeep.adapters.postgres_sql import (
    columns_of,
    key_literal,
    key_of,
    name_of,
    rows_of,
    type_of,
)
from supakeep.adapters.postgres_values import ValueCheck
from supakeep.domain.document import ROW_SEPARATOR
from supakeep.domain.row_changes import RestoreMode, RowChanges, without_members
from supakeep.domain.schema import Table, writable_columns
from supakeep.errors import RestoreError

# how a row ends of which a column holds JSON's null; a false alarm costs time alone
_JSON_NULLS = b',"":["'
_ROWS = sql.SQL("json_populate_recordset(null::{}, $1::json) r")
_ROWS_BY_LINE = sql.SQL(
    "json_array_elements($1::json) e(line), json_populate_record(null::{}, e.line) r"
)
# a range of keys that holds more live rows than this many times the backup's is not fetched whole
_MOST_LIVE = 4


class KeyedWriter:
    """A table with a primary key. Rows come in batches, in the key's order where `ordered`."""

    def __init__(
        self,
        connection: Connection,
        table: Table,
        backed_up: Table,
        mode: RestoreMode,
        *,
        ordered: bool,
        dry_run: bool,
    ) -> None:
        self._connection = connection
        self._table = table
        self._mode = mode
        self._ordered = ordered
        self._dry_run = dry_run
        self._compared = [n for n in backed_up.column_names if n in table.column_names]
        self._dropped = set(backed_up.column_names) - set(table.column_names)
        self._written = writable_columns(table, backed_up)
        self._values = ValueCheck(connection, table, backed_up)
        self._never_null = {column.name for column in backed_up.columns if not column.nullable}
        self._keys = TableKeys(connection, table)
        self._done_until: Key | None = None
        self._is_empty = not self._any_row()
        self._deletes = mode is RestoreMode.REPLACE
        # a row that goes may hold what a unique index gives to a row that comes
        self._only_deletes = self._deletes and not self._is_empty and self._has_other_unique_index()
        self.changes = RowChanges()

    def write(self, rows: Sequence[bytes]) -> None:
        if self._dropped:
            rows = [without_members(row, self._dropped) for row in rows]
        key = self._table.primary_key
        with (
            mapped_errors("restore", self._table.qualified_name),
            self._values.explained(rows, key),
        ):
            if self._is_empty:
                self._insert(rows)
            else:
                self._merge(rows)

    def finish(self) -> bool:
        """Deletes what stands after the last row, in replace mode."""
        if not self._is_empty:
            with mapped_errors("restore", self._table.qualified_name):
                self._delete_others(self._done_until, None, [])
        again = self._only_deletes
        self._deletes, self._only_deletes = self._deletes and not again, False
        self._done_until = None
        return again

    def _insert(self, rows: Sequence[bytes]) -> None:
        self.changes.inserted += len(rows)
        self._upsert(rows, conflict=sql.SQL(""))

    def _merge(self, rows: Sequence[bytes]) -> None:
        first, last = self._keys.of(rows[0]), self._keys.of(rows[-1])
        live = self._range(first, last, _MOST_LIVE * len(rows)) if self._ordered else None
        known = [] if self._done_until is None else [self._done_until]
        if live == ROW_SEPARATOR.join(rows):
            self._require_order([*known, first])
            old: list[bytes | None] = list(rows)
        elif live is not None and self._keys.are_plain:
            old = self._old_rows(rows, live.split(ROW_SEPARATOR) if live else [])
        else:
            keys = [self._keys.of(row) for row in rows]
            self._require_order([*known, *keys])
            old = self._keys.live_rows(keys, self._compared)
            self._delete_others(first, last, keys)
        self._delete_others(self._done_until, first, [first])
        self._done_until = last
        if not self._only_deletes:
            self._write_differences(rows, old)

    def _old_rows(self, rows: Sequence[bytes], live: Sequence[bytes]) -> list[bytes | None]:
        """For each row the live one with its key, of those from the first to the last; in replace
        mode the others are deleted. Equal lines are the same row: keys are read of the rest alone.
        """
        same = set(rows) & set(live)
        there = {self._keys.of(line): line for line in live if line not in same}
        old = [row if row in same else there.pop(self._keys.of(row), None) for row in rows]
        if there:
            self._delete_keys(list(there))
        return old

    def _write_differences(self, rows: Sequence[bytes], old: Sequence[bytes | None]) -> None:
        differing = []
        for row, there in zip(rows, old, strict=True):
            if there == row or (there and self._mode is RestoreMode.MISSING_ONLY):
                self.changes.unchanged += 1
                continue
            if there is None:
                self.changes.inserted += 1
            else:
                self.changes.updated += 1
                self.changes.sample(self._table.primary_key, there, row)
            differing.append(row)
        if differing:
            self._upsert(differing, conflict=self._on_conflict())

    def _require_order(self, keys: Sequence[Key]) -> None:
        """What stands between two keys of the backup is deleted, so both must sort alike."""
        if not self._deletes or self._keys.are_plain or self._keys.are_in_order(keys):
            return
        raise RestoreError(
            f"{self._table.qualified_name}: its key sorts otherwise than in the backup's database "
            "(another collation, or another order of an enum), so replace cannot tell what to delete",
            operation="restore",
            key=self._table.qualified_name,
            hint="Use the mode merge, or empty the table first.",
        )

    def _upsert(self, rows: Sequence[bytes], conflict: sql.Composable) -> None:
        if self._dry_run:
            self._values.check(rows)
            return
        by_line = bool(self._table.json_columns) or any(_JSON_NULLS in row for row in rows)
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
            conflict=conflict,
        )
        with self._values.explained(rows):
            self._connection.execute(query, [(b"[" + b",".join(rows) + b"]").decode()])

    def _value(self, name: str, *, by_line: bool) -> sql.Composable:
        """A column's value; a JSON null and an SQL NULL look alike there."""
        value: sql.Composable = sql.Identifier("r", name)
        if name not in self._table.json_columns + self._table.jsonb_columns:
            return value
        type_, key = type_of(self._table, name), sql.Literal(name)
        if name in self._table.json_columns:
            # r would spell the escapes of a string anew
            value = sql.SQL(
                "case when json_typeof(e.line->{0}) <> 'null' then (e.line->{0})::{1} end"
            ).format(key, type_)
        null = sql.SQL("'null'::{}").format(type_)
        if name in self._never_null:
            return sql.SQL("coalesce({}, {})").format(value, null)
        if not by_line:
            return value
        return sql.SQL("coalesce({}, case when (e.line->'')::jsonb ? {} then {} end)").format(
            value, key, null
        )

    def _on_conflict(self) -> sql.Composable:
        settable = [
            column.name
            for column in self._table.columns
            if column.name in self._written
            # equal keys may be spelled differently
            and (column.name not in self._table.primary_key or not self._keys.are_plain)
            and column.identity != "always"
        ]
        action: sql.Composable = sql.SQL("nothing")
        if settable and self._mode is not RestoreMode.MISSING_ONLY:
            action = sql.SQL("update set {}").format(
                sql.SQL(", ").join(
                    sql.SQL("{0} = excluded.{0}").format(sql.Identifier(name)) for name in settable
                )
            )
        key = columns_of(self._table.primary_key)
        return sql.SQL("on conflict ({}) do {}").format(key, action)

    def _range(self, first: Key, last: Key, most: int) -> bytes | None:
        """The live rows from `first` to `last`; None where there are more than `most`."""
        query = sql.SQL(
            "select convert_to(string_agg(line, E',\\n'), 'UTF8'), count(*) from "
            "(select {line} as line from {rows} t where {key} >= {first} and {key} <= {last} "
            "order by {columns} limit {limit}) r"
        ).format(
            line=line_of(self._table, self._compared),
            rows=rows_of(self._table),
            key=key_of(self._table),
            first=key_literal(self._table, first),
            last=key_literal(self._table, last),
            columns=columns_of(self._table.primary_key, "t"),
            limit=sql.Literal(most + 1),
        )
        row = self._connection.execute(query, binary=True).fetchone()
        return (row[0] or b"") if row and row[1] <= most else None

    def _delete_others(self, low: Key | None, high: Key | None, kept: list[Key]) -> None:
        """In replace mode: the live rows from `low` to `high` but those whose keys are `kept`."""
        if not self._deletes:
            return
        bounds = [
            sql.SQL("{} {} {}").format(
                key_of(self._table), sql.SQL(operator), key_literal(self._table, bound)
            )
            for operator, bound in ((">", low), ("<=", high))
            if bound is not None
        ]
        self._delete(
            sql.SQL("{} and not exists (select from {} where {})").format(
                sql.SQL(" and ").join(bounds) if bounds else sql.SQL("true"),
                self._keys.as_table(),
                self._keys.same(),
            ),
            kept,
        )

    def _delete_keys(self, keys: list[Key]) -> None:
        if self._deletes:
            condition = sql.SQL("exists (select from {} where {})")
            self._delete(condition.format(self._keys.as_table(), self._keys.same()), keys)

    def _delete(self, condition: sql.Composed, keys: list[Key]) -> None:
        """Deletes by a condition on `t` and a table of keys `k`; counts in a dry run."""
        parameters = self._keys.parameters(keys)
        if self._dry_run:
            counting = sql.SQL("select count(*) from {} t where {}")
            row = self._connection.execute(
                counting.format(rows_of(self._table), condition), parameters
            ).fetchone()
            self.changes.deleted += row[0] if row else 0
            return
        deleting = sql.SQL("delete from {} t where {}").format(rows_of(self._table), condition)
        self.changes.deleted += self._connection.execute(deleting, parameters).rowcount

    def _has_other_unique_index(self) -> bool:
        query = (
            "select exists (select from pg_index i where i.indrelid = $1::regclass "
            "and (i.indisunique or i.indisexclusion) and not i.indisprimary)"
        )
        name = name_of(self._table).as_string(self._connection)
        row = self._connection.execute(query, [name]).fetchone()
        return bool(row and row[0])

    def _any_row(self) -> bool:
        query = sql.SQL("select exists (select from {})").format(rows_of(self._table))
        row = self._connection.execute(query).fetchone()
        return bool(row and row[0])


class KeylessWriter(KeyedWriter):
    """A table without a primary key: what is there goes, what the backup has comes."""

    def write(self, rows: Sequence[bytes]) -> None:
        with mapped_errors("restore", self._table.qualified_name):
            if not self._is_empty:
                self._clear()
            self._insert(rows)

    def finish(self) -> bool:
        if not self._is_empty:
            with mapped_errors("restore", self._table.qualified_name):
                self._clear()
        return False

    def _clear(self) -> None:
        count = sql.SQL("select count(*) from {}").format(rows_of(self._table))
        row = self._connection.execute(count).fetchone()
        self.changes.deleted += row[0] if row else 0
        if not self._dry_run:
            self._connection.execute(sql.SQL("delete from {}").format(rows_of(self._table)))
        self._is_empty = True
