"""Reads a table in ranges of its primary key, over several connections at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from queue import SimpleQueue
from threading import Lock, Semaphore
from typing import Any, LiteralString, NamedTuple

from psycopg import sql

from supakeep.databases.postgres.connection import Connection
from supakeep.databases.postgres.lines import TOO_WIDE, fetched_rows, line_of, portion_of
from supakeep.databases.postgres.sql import columns_of, key_of, key_parameters, rows_of
from supakeep.domain.schema import Table
from supakeep.ports import Rows

# Rows are handed over many at a time, since work done per row in Python is what costs. Larger
# portions are slower: what is small stays in the processor's cache.
_CHUNK_BYTES = 256 * 1024
_MAX_CHUNK_ROWS = 2000
# A range in which a row is wider than its share of this is read a few rows at a time.
_MOST_BYTES = 8 * 1024 * 1024
_FEW_ROWS = 32
# ranges that are read before the reader asks for them, for each connection
_AHEAD = 4

_Bound = tuple[str, ...] | None


class _Range(NamedTuple):
    """Keys above `low` and up to `high` (None is the end on that side), and the rows to come."""

    low: _Bound
    high: _Bound
    rows: Future[Rows]


class RangeReader:
    """All rows of one table, in the key's order.

    Each connection takes the next range when it is done with one: it finds where that ends, queues
    it and fetches it. The ranges are handed on in the order of the queue. Raises psycopg's own
    errors, wherever they came up; each connection goes on from a savepoint then.
    """

    def __init__(
        self, connections: Sequence[Connection], pool: ThreadPoolExecutor, table: Table
    ) -> None:
        self._connections = connections
        self._pool = pool
        self._queries = _RangeQueries(table)
        self._range_rows = _range_rows(connections[0], table)
        self._taking = Lock()
        self._reached: _Bound = None
        self._is_over = False
        self._taken: SimpleQueue[_Range | None] = SimpleQueue()
        self._slots = Semaphore(_AHEAD * len(connections))

    def __iter__(self) -> Iterator[Rows]:
        with ExitStack() as savepoints:
            for connection in self._connections:
                savepoints.enter_context(connection.transaction())
            workers = [self._pool.submit(self._work, one) for one in self._connections]
            try:
                yield from self._in_order()
            finally:
                self._is_over = True
                self._slots.release(len(workers))
                # the next table needs connections that have finished
                wait(workers)

    def _in_order(self) -> Iterator[Rows]:
        while (taken := self._taken.get()) is not None:
            rows = taken.rows.result()
            self._slots.release()
            if rows.count == TOO_WIDE:
                yield from self._few_at_a_time(taken.low, taken.high)
            elif rows.count:
                yield rows

    def _work(self, connection: Connection) -> None:
        while taken := self._take(connection):
            try:
                width = _MOST_BYTES // self._range_rows
                rows = self._lines(connection, taken.low, taken.high, width)
            except BaseException as exc:  # noqa: BLE001 - raised again by who reads the rows
                taken.rows.set_exception(exc)
                return
            self._adapt(rows)
            taken.rows.set_result(rows)

    def _take(self, connection: Connection) -> _Range | None:
        """The next range, which is queued already; None where there is no more."""
        self._slots.acquire()
        with self._taking:
            if self._is_over:
                return None
            taken = self._next(connection)
            self._taken.put(taken)
            if taken.high is None:
                self._is_over = True
                self._taken.put(None)
                # the others wait for a slot, and there is nothing left for them
                self._slots.release(len(self._connections))
            return None if taken.rows.done() else taken

    def _next(self, connection: Connection) -> _Range:
        """The range above what was reached; one that has failed where its end cannot be found."""
        low, rows = self._reached, Future[Rows]()
        try:
            self._reached = self._end(connection, low, None, self._range_rows)
        except BaseException as exc:  # noqa: BLE001 - raised again by who reads the rows
            rows.set_exception(exc)
            return _Range(low, None, rows)
        return _Range(low, self._reached, rows)

    def _end(self, connection: Connection, low: _Bound, high: _Bound, rows: int) -> _Bound:
        """The key of the n-th row above `low`, as text; None where fewer are left up to `high`."""
        parameters = [*(low or ()), *(high or ()), str(rows - 1)]
        return connection.execute(self._queries.end(low, high), parameters).fetchone()

    def _few_at_a_time(self, low: _Bound, high: _Bound) -> Iterator[Rows]:
        """A range in which rows are so wide that they must not be fetched together."""
        leader = self._connections[0]
        while low is None or low != high:
            end = self._end(leader, low, high, _FEW_ROWS) or high
            rows = self._lines(leader, low, end, TOO_WIDE)
            self._adapt(rows)
            if rows.count:
                yield rows
            if end is None:
                return
            low = end

    def _lines(self, connection: Connection, low: _Bound, high: _Bound, width: int) -> Rows:
        parameters = [*(low or ()), *(high or ()), str(width)]
        return fetched_rows(connection, self._queries.lines(low, high), parameters)

    def _adapt(self, rows: Rows) -> None:
        """Expects the next ranges to be as wide as this one."""
        if 0 < rows.count < TOO_WIDE:
            self._range_rows = _rows_of_width(len(rows.lines) // rows.count)


class _RangeQueries:
    """The queries for ranges of one table: composing them takes longer than running them, so it is
    done once for each kind of range, and the keys are parameters.
    """

    def __init__(self, table: Table) -> None:
        self._table = table
        self._composed: dict[tuple[str, bool, bool], bytes] = {}

    def end(self, low: _Bound, high: _Bound) -> bytes:
        known = ("end", low is None, high is None)
        if known not in self._composed:
            texts = [
                sql.SQL("t.{}::text").format(sql.Identifier(name))
                for name in self._table.primary_key
            ]
            query = "select {texts} from {rows} t where {within} order by {keys} offset {skipped} limit 1"
            self._composed[known] = self._compose(
                query,
                low,
                high,
                texts=sql.SQL(", ").join(texts),
                skipped=_last_parameter(low, high),
            )
        return self._composed[known]

    def lines(self, low: _Bound, high: _Bound) -> bytes:
        known = ("lines", low is None, high is None)
        if known not in self._composed:
            query = (
                "select {portion} from "
                "(select {line} as line from {rows} t where {within} order by {keys}) r"
            )
            self._composed[known] = self._compose(
                query,
                low,
                high,
                line=line_of(self._table),
                portion=portion_of(_last_parameter(low, high)),
            )
        return self._composed[known]

    def _compose(
        self, query: LiteralString, low: _Bound, high: _Bound, **others: sql.Composable
    ) -> bytes:
        keys = columns_of(self._table.primary_key, "t")
        return (
            sql.SQL(query)
            .format(rows=rows_of(self._table), keys=keys, within=self._within(low, high), **others)
            .as_bytes()
        )

    def _within(self, low: _Bound, high: _Bound) -> sql.Composable:
        key, conditions, first = key_of(self._table), [], 1
        for operator, bound in ((">", low), ("<=", high)):
            if bound is not None:
                parameters = key_parameters(self._table, first)
                conditions.append(sql.SQL("{} {} {}").format(key, sql.SQL(operator), parameters))
                first += len(bound)
        return sql.SQL(" and ").join(conditions) if conditions else sql.SQL("true")


def _last_parameter(low: _Bound, high: _Bound) -> sql.SQL:
    """The one after those of the bounds."""
    return sql.SQL(f"${1 + len(low or ()) + len(high or ())}::bigint")


def _range_rows(connection: Connection, table: Table) -> int:
    """How many rows make a portion of about the wanted size."""
    query = sql.SQL("select avg(length({}))::int from (select * from {} limit 1000) t")
    with connection.transaction():
        row: tuple[Any, ...] | None = connection.execute(
            query.format(line_of(table), rows_of(table))
        ).fetchone()
    return _rows_of_width(row[0] if row and row[0] else 100)


def _rows_of_width(width: int) -> int:
    return max(1, min(_MAX_CHUNK_ROWS, _CHUNK_BYTES // max(1, width)))
