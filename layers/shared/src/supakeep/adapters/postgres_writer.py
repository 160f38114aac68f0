"""Writes the rows of one table: only those that differ, found by comparing JSON text as bytes.

Parsing is what costs. Both sides are the same JSON text made by Postgres, so a range of keys whose
bytes are equal is done with one comparison; only rows that differ are parsed, by Postgres.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from psycopg import sql

from supakeep.adapters.postgres_connection import Connection, mapped_errors
from supakeep.adapters.postgres_sql import (
    columns_of,
    key_literal,
    key_of,
    line_of,
    name_of,
    rows_of,
    type_of,
)
from supakeep.domain.document import ROW_SEPARATOR
from supakeep.domain.row_changes import RestoreMode, RowChanges, text_of, tokens_of
from supakeep.domain.schema import Table, writable_columns

Key = tuple[str, ...]

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
        self._written = writable_columns(table, backed_up)
        self._done_until: Key | None = None
        self._is_empty = not self._any_row()
        self.changes = RowChanges()

    def write(self, rows: Sequence[bytes]) -> None:
        with mapped_errors("restore", self._table.qualified_name):
            if self._is_empty:
                self._insert(rows)
            else:
                self._merge(rows)

    def finish(self) -> bool:
        """Deletes what stands after the last row, in replace mode; one pass is enough."""
        if not self._is_empty:
            with mapped_errors("restore", self._table.qualified_name):
                self._delete_others(self._done_until, None, [])
        return False

    def _insert(self, rows: Sequence[bytes]) -> None:
        self.changes.inserted += len(rows)
        self._upsert(rows, conflict=sql.SQL(""))

    def _merge(self, rows: Sequence[bytes]) -> None:
        first, last = self._key(rows[0]), self._key(rows[-1])
        live = self._range(first, last, _MOST_LIVE * len(rows)) if self._ordered else None
        if live == ROW_SEPARATOR.join(rows):
            self.changes.unchanged += len(rows)
        elif live is not None:
            self._write_differences(rows, live.split(ROW_SEPARATOR) if live else [])
        else:
            self._write_differences(rows, self._same_keys(rows))
            self._delete_others(first, last, [self._key(row) for row in rows])
        self._delete_others(self._done_until, first, [first])
        self._done_until = last

    def _write_differences(self, rows: Sequence[bytes], live: Sequence[bytes]) -> None:
        """Equal lines are the same row, so that keys are read of the others alone."""
        same = set(rows) & set(live)
        there = {self._key(line): line for line in live if line not in same}
        differing = []
        for row in rows:
            if row in same:
                self.changes.unchanged += 1
                continue
            old = there.pop(self._key(row), None)
            if old is None:
                self.changes.inserted += 1
            elif self._mode is RestoreMode.MISSING_ONLY:
                self.changes.unchanged += 1
                continue
            else:
                self.changes.updated += 1
                self.changes.sample(self._table.primary_key, old, row)
            differing.append(row)
        if differing:
            self._upsert(differing, conflict=self._on_conflict())
        if there:
            self._delete_keys(list(there))

    def _upsert(self, rows: Sequence[bytes], conflict: sql.Composable) -> None:
        if self._dry_run:
            return
        columns = columns_of(self._written)
        query = sql.SQL(
            "insert into {name} as t ({columns}) overriding system value select {values} "
            "from json_populate_recordset(null::{name}, %s::json) {conflict}"
        ).format(
            name=name_of(self._table),
            columns=columns,
            values=sql.SQL(", ").join(self._value(name) for name in self._written),
            conflict=conflict,
        )
        self._connection.execute(query, [(b"[" + b",".join(rows) + b"]").decode()])

    def _value(self, name: str) -> sql.Composable:
        column = next(column for column in self._table.columns if column.name == name)
        if column.type in ("json", "jsonb") and not column.nullable:
            # a JSON null and an SQL NULL look alike in a row; here it can only be the first
            return sql.SQL("coalesce({}, 'null')").format(sql.Identifier(name))
        return sql.Identifier(name)

    def _on_conflict(self) -> sql.Composable:
        settable = [
            column.name
            for column in self._table.columns
            if column.name in self._written
            and column.name not in self._table.primary_key
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

    def _same_keys(self, rows: Sequence[bytes]) -> list[bytes]:
        """The live rows with the same keys as these."""
        query = sql.SQL(
            "select convert_to({line}, 'UTF8') from {keys} join {rows} t on {same}"
        ).format(
            line=line_of(self._table, self._compared),
            keys=self._keys_table(),
            rows=rows_of(self._table),
            same=self._same_key(),
        )
        keys = [self._key(row) for row in rows]
        found = self._connection.execute(query, _transposed(keys), binary=True).fetchall()
        return [row[0] for row in found]

    def _delete_others(self, low: Key | None, high: Key | None, kept: list[Key]) -> None:
        """In replace mode: the live rows from `low` to `high` but those whose keys are `kept`."""
        if self._mode is not RestoreMode.REPLACE:
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
                self._keys_table(),
                self._same_key(),
            ),
            kept,
        )

    def _delete_keys(self, keys: list[Key]) -> None:
        if self._mode is RestoreMode.REPLACE:
            condition = sql.SQL("exists (select from {} where {})")
            self._delete(condition.format(self._keys_table(), self._same_key()), keys)

    def _delete(self, condition: sql.Composed, keys: list[Key]) -> None:
        """Deletes by a condition on `t` and a table of keys `k`; counts in a dry run."""
        parameters = _transposed(keys) if keys else [[] for _ in self._table.primary_key]
        if self._dry_run:
            counting = sql.SQL("select count(*) from {} t where {}")
            row = self._connection.execute(
                counting.format(rows_of(self._table), condition), parameters
            ).fetchone()
            self.changes.deleted += row[0] if row else 0
            return
        deleting = sql.SQL("delete from {} t where {}").format(rows_of(self._table), condition)
        self.changes.deleted += self._connection.execute(deleting, parameters).rowcount

    def _keys_table(self) -> sql.Composable:
        """A table `k` of keys with their number, from one array of text for each key column."""
        arrays = sql.SQL(", ").join(sql.SQL("%s::text[]") for _ in self._table.primary_key)
        return sql.SQL("unnest({}) with ordinality as k({}, n)").format(
            arrays, columns_of(f"k{i}" for i in range(len(self._table.primary_key)))
        )

    def _same_key(self) -> sql.Composable:
        return sql.SQL(" and ").join(
            sql.SQL("t.{} = k.{}::{}").format(
                sql.Identifier(name), sql.Identifier(f"k{i}"), type_of(self._table, name)
            )
            for i, name in enumerate(self._table.primary_key)
        )

    def _key(self, row: bytes) -> Key:
        tokens = tokens_of(row)
        return tuple(text_of(tokens[name]) or "" for name in self._table.primary_key)

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


def _transposed(keys: Sequence[Key]) -> list[list[Any]]:
    return [list(column) for column in zip(*keys, strict=True)]
