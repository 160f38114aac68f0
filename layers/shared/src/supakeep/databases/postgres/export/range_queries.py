"""The queries for ranges of a table's primary key."""

from __future__ import annotations

from collections.abc import Iterable
from typing import LiteralString

from psycopg import sql

from supakeep.databases.postgres.connection import Connection
from supakeep.databases.postgres.lines import TOO_WIDE, fetched_rows, line_of, portion_of
from supakeep.databases.postgres.portions import LineEncodings, PortionQuery
from supakeep.databases.postgres.sql import (
    columns_of,
    key_of,
    key_operands,
    key_parameters,
    rows_of,
)
from supakeep.domain.schema import Table
from supakeep.ports import Rows

Bound = tuple[str, ...] | None

# Each end is found from the one before, without a question in between. A window function over all
# keys takes three times as long.
_ENDS: LiteralString = """
with recursive e({names}, number) as (
  (select {keys}, 1 from {rows} t where {within} order by {order} offset {skipped} limit 1)
  union all
  select n.* from e, lateral (
    select {keys}, e.number + 1 from {rows} t where {key} > ({before})
     order by {order} offset {skipped} limit 1) n
   where e.number < {most})
select {texts} from e order by number
"""


class RangeQueries:
    """The queries for ranges of one table: composing them takes longer than running them, so it is
    done once for each kind of range, and the keys are parameters.
    """

    def __init__(self, table: Table) -> None:
        self._table = table
        self._order = columns_of(table.primary_key, "t")
        self._encodings = LineEncodings(table)
        self._portions: dict[tuple[bool, bool], PortionQuery] = {}

    def lines(self, connection: Connection, low: Bound, high: Bound, width: int) -> Rows:
        """The rows above `low` and up to `high`; TOO_WIDE where one has more than `width` bytes."""
        kind = (low is None, high is None)
        if kind not in self._portions:
            rows = sql.SQL("from {rows} t where {within} order by {order}").format(
                rows=rows_of(self._table), within=self._within(low, high), order=self._order
            )
            self._portions[kind] = PortionQuery(self._encodings, rows, _last_parameter(low, high))
        parameters = [*(low or ()), *(high or ()), str(width)]
        return self._portions[kind].fetch(connection, parameters)

    def wide_lines(self, connection: Connection, low: Bound, high: Bound) -> Rows:
        """The same rows, whatever their width."""
        query = sql.SQL(
            "select {portion} from (select {line} as line from {rows} t where {within} order by {order}) r"
        ).format(
            portion=portion_of(sql.Literal(TOO_WIDE)),
            line=line_of(self._table),
            rows=rows_of(self._table),
            within=self._within(low, high),
            order=self._order,
        )
        return fetched_rows(connection, query.as_bytes(), [*(low or ()), *(high or ())])

    def ends(self, connection: Connection, low: Bound, rows: int, most: int) -> list[Bound]:
        """The keys of the n-th, 2n-th, … row above `low`, as text, `most` of them at most."""
        names = [f"k{number}" for number in range(len(self._table.primary_key))]
        query = sql.SQL(_ENDS).format(
            names=columns_of(names),
            keys=key_operands(self._table),
            key=key_of(self._table),
            before=columns_of(names, "e"),
            texts=_as_text(columns_of([name], "e") for name in names),
            rows=rows_of(self._table),
            within=self._within(low, None),
            order=self._order,
            skipped=sql.Literal(rows - 1),
            most=sql.Literal(most),
        )
        return connection.execute(query, list(low or ())).fetchall()

    def end(self, connection: Connection, low: Bound, high: Bound, rows: int) -> Bound:
        """The key of the n-th row above `low`, as text; None where fewer are left up to `high`."""
        query = sql.SQL(
            "select {texts} from {rows} t where {within} order by {order} offset {skipped} limit 1"
        ).format(
            texts=_as_text(columns_of([name], "t") for name in self._table.primary_key),
            rows=rows_of(self._table),
            within=self._within(low, high),
            order=self._order,
            skipped=sql.Literal(rows - 1),
        )
        return connection.execute(query, [*(low or ()), *(high or ())]).fetchone()

    def count(self, connection: Connection) -> int:
        """All rows of the table."""
        with connection.transaction():
            query = sql.SQL("select count(*) from {}").format(rows_of(self._table))
            [[count]] = connection.execute(query).fetchall()
        return int(count)

    def _within(self, low: Bound, high: Bound) -> sql.Composable:
        key, conditions, first = key_of(self._table), [], 1
        for operator, bound in ((">", low), ("<=", high)):
            if bound is not None:
                parameters = key_parameters(self._table, first)
                conditions.append(sql.SQL("{} {} {}").format(key, sql.SQL(operator), parameters))
                first += len(bound)
        return sql.SQL(" and ").join(conditions) if conditions else sql.SQL("true")


def _as_text(names: Iterable[sql.Composable]) -> sql.Composed:
    return sql.SQL(", ").join(sql.SQL("{}::text").format(name) for name in names)


def _last_parameter(low: Bound, high: Bound) -> sql.SQL:
    """The one after those of the bounds."""
    return sql.SQL(f"${1 + len(low or ()) + len(high or ())}::bigint")
