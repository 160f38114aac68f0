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
from supakeep.domain.schema import Table

Key = tuple[str, ...]


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
        generated = {column.name for column in backed_up.columns if column.generated}
        self._written = [
            n for n in table.writable_columns if n in self._compared and n not in generated
        ]
        self._done_until: Key | None = None
        self._is_empty = not self._any_row()
        self.changes = RowChanges()

    def write(self, rows: Sequence[bytes]) -> None:
        with mapped_errors("restore", self._table.qualified_name):
            if self._is_empty:
                self._insert(rows)
            else:
                self._merge(rows)

    def finish(self) -> None:
        """Deletes what stands after the last row, in replace mode."""
        if self._mode is RestoreMode.REPLACE and not self._is_empty:
            with mapped_errors("restore", self._table.qualified_name):
                self._delete_between(self._done_until, None, [])

    def _insert(self, rows: Sequence[bytes]) -> None:
        self.changes.inserted += len(rows)
        self._upsert(rows, conflict=sql.SQL(""))

    def _merge(self, rows: Sequence[bytes]) -> None:
        first, last = self._key(rows[0]), self._key(rows[-1])
        if self._ordered and self._range(first, last, len(rows)) == ROW_SEPARATOR.join(rows):
            self.changes.unchanged += len(rows)
        else:
            self._write_differences(rows)
        if self._mode is RestoreMode.REPLACE:
            self._delete_between(self._done_until, last, [self._key(row) for row in rows])
        self._done_until = last

    def _write_differences(self, rows: Sequence[bytes]) -> None:
        live = self._live(rows)
        differing = []
        for number, row in enumerate(rows, start=1):
            there = live.get(number)
            if there is None:
                self.changes.inserted += 1
                differing.append(row)
            elif there == row or self._mode is RestoreMode.MISSING_ONLY:
                self.changes.unchanged += 1
            else:
                self.changes.updated += 1
                self.changes.sample(self._table.primary_key, there, row)
                differing.append(row)
        if differing:
            self._upsert(differing, conflict=self._on_conflict())

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
        self._connection.execute(query, [b"[" + b",".join(rows) + b"]"])

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

    def _range(self, first: Key, last: Key, expected: int) -> bytes | None:
        """The live rows from `first` to `last`; cut where there are more than `expected`."""
        query = sql.SQL(
            "select convert_to(string_agg(line, E',\\n'), 'UTF8') from (select {line} as line from {rows} t "
            "where {key} >= {first} and {key} <= {last} order by {columns} limit {limit}) r"
        ).format(
            line=line_of(self._table, self._compared),
            rows=rows_of(self._table),
            key=key_of(self._table),
            first=key_literal(self._table, first),
            last=key_literal(self._table, last),
            columns=columns_of(self._table.primary_key, "t"),
            limit=sql.Literal(expected + 1),
        )
        row = self._connection.execute(query, binary=True).fetchone()
        return row[0] if row else None

    def _live(self, rows: Sequence[bytes]) -> dict[int, bytes]:
        """The live rows with the same keys, by the number of the row in the batch, from 1."""
        query = sql.SQL(
            "select k.n, convert_to({line}, 'UTF8') from {keys} join {rows} t on {same}"
        ).format(
            line=line_of(self._table, self._compared),
            keys=self._keys_table(),
            rows=rows_of(self._table),
            same=self._same_key(),
        )
        keys = [self._key(row) for row in rows]
        found = self._connection.execute(query, _transposed(keys), binary=True).fetchall()
        return dict(found)

    def _delete_between(self, low: Key | None, high: Key | None, kept: list[Key]) -> None:
        bounds = [
            sql.SQL("{} {} {}").format(
                key_of(self._table), sql.SQL(operator), key_literal(self._table, bound)
            )
            for operator, bound in ((">", low), ("<=", high))
            if bound is not None
        ]
        condition = sql.SQL("{} and not exists (select from {} where {})").format(
            sql.SQL(" and ").join(bounds) if bounds else sql.SQL("true"),
            self._keys_table(),
            self._same_key(),
        )
        parameters = _transposed(kept) if kept else [[] for _ in self._table.primary_key]
        if self._dry_run:
            query = sql.SQL("select count(*) from {} t where {}")
            row = self._connection.execute(
                query.format(rows_of(self._table), condition), parameters
            ).fetchone()
            self.changes.deleted += row[0] if row else 0
            return
        query = sql.SQL("delete from {} t where {}")
        done = self._connection.execute(query.format(rows_of(self._table), condition), parameters)
        self.changes.deleted += done.rowcount

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

    def finish(self) -> None:
        if not self._is_empty:
            with mapped_errors("restore", self._table.qualified_name):
                self._clear()

    def _clear(self) -> None:
        count = sql.SQL("select count(*) from {}").format(rows_of(self._table))
        row = self._connection.execute(count).fetchone()
        self.changes.deleted += row[0] if row else 0
        if not self._dry_run:
            self._connection.execute(sql.SQL("delete from {}").format(rows_of(self._table)))
        self._is_empty = True


def _transposed(keys: Sequence[Key]) -> list[list[Any]]:
    return [list(column) for column in zip(*keys, strict=True)]
