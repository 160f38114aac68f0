"""Reads a table in ranges of its primary key, over several connections at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from queue import SimpleQueue
from threading import Lock, Semaphore
from typing import Any, LiteralString, NamedTuple

from psycopg import sql

from supakeep.adapters.postgres_connection import Connection
from supakeep.adapters.postgres_lines import fetched_rows, line_of
from supakeep.adapters.postgres_sql import columns_of, key_of, key_parameters, rows_of
from supakeep.domain.schema import Table
from supakeep.ports import Rows

# Rows are handed over many at a time, since work done per row in Python is what costs. Larger
# portions are slower: what is small stays in the processor's cache.
_CHUNK_BYTES = 256 * 1024
_MAX_CHUNK_ROWS = 10_000
# finished portions that wait for the reader, for each connection
_AHEAD = 4

_Bound = tuple[str, ...] | None


class _Range(NamedTuple):
    """Keys above `low` and up to `high`; None is the end on that side."""

    low: _Bound
    high: _Bound
    rows: Future[Rows]


class RangeReader:
    """All rows of one table, in the key's order.

    Each connection takes the next range when it is done with one, finds where it ends and fetches
    it; the ranges are handed on in order. Each connection works in one savepoint of its snapshot.
    Raises psycopg's own errors, wherever they came up.
    """

    def __init__(
        self, connections: Sequence[Connection], pool: ThreadPoolExecutor, table: Table
    ) -> None:
        self._connections = connections
        self._pool = pool
        self._table = table
        self._queries = _RangeQueries(table, _range_rows(connections[0], table))
        self._taking = Lock()
        self._reached: _Bound = None
        self._is_over = False
        self._taken: SimpleQueue[Future[Rows] | None] = SimpleQueue()
        self._slots = Semaphore(_AHEAD * len(connections))

    def __iter__(self) -> Iterator[Rows]:
        workers = [self._pool.submit(self._work, one) for one in self._connections]
        try:
            while (future := self._taken.get()) is not None:
                rows = future.result()
                if rows.count:
                    yield rows
                self._slots.release()
        finally:
            self._is_over = True
            self._slots.release(len(workers))
            # a connection that is still at work is none for the next table
            wait(workers)

    def _work(self, connection: Connection) -> None:
        try:
            with connection.transaction():
                while taken := self._take(connection):
                    self._fetch(connection, taken)
        except BaseException as exc:  # noqa: BLE001 - raised again by who reads the rows
            failed: Future[Rows] = Future()
            failed.set_exception(exc)
            self._taken.put(failed)

    def _take(self, connection: Connection) -> _Range | None:
        self._slots.acquire()
        with self._taking:
            if self._is_over:
                return None
            low = self._reached
            self._reached = high = self._end_of_range(connection, low)
            taken = _Range(low, high, Future())
            self._taken.put(taken.rows)
            if high is None:
                self._is_over = True
                self._taken.put(None)
                # the others wait for a slot, and there is nothing left for them
                self._slots.release(len(self._connections))
            return taken

    def _end_of_range(self, connection: Connection, low: _Bound) -> _Bound:
        """The key of the n-th row from here, as text; None where fewer are left."""
        return connection.execute(self._queries.end(low), low).fetchone()

    def _fetch(self, connection: Connection, taken: _Range) -> None:
        low, high = taken.low, taken.high
        try:
            query = self._queries.lines(low, high)
            rows = fetched_rows(connection, query, [*(low or ()), *(high or ())])
        except BaseException as exc:
            taken.rows.set_exception(exc)
            raise
        taken.rows.set_result(rows)


class _RangeQueries:
    """The queries for ranges of one table: composing them takes longer than running them, so it is
    done once for each kind of range, and the keys are parameters.
    """

    def __init__(self, table: Table, range_rows: int) -> None:
        self._table = table
        self._range_rows = range_rows
        self._composed: dict[tuple[bool, ...], bytes] = {}

    def end(self, low: _Bound) -> bytes:
        known = (low is None,)
        if known not in self._composed:
            texts = [
                sql.SQL("t.{}::text").format(sql.Identifier(name))
                for name in self._table.primary_key
            ]
            query = "select {texts} from {rows} t where {within} order by {keys} offset {skipped} limit 1"
            self._composed[known] = self._compose(
                query,
                low,
                None,
                texts=sql.SQL(", ").join(texts),
                skipped=sql.Literal(self._range_rows - 1),
            )
        return self._composed[known]

    def lines(self, low: _Bound, high: _Bound) -> bytes:
        known = (low is None, high is None)
        if known not in self._composed:
            query = (
                "select string_agg(line, E',\\n'), count(*) from "
                "(select {line} as line from {rows} t where {within} order by {keys}) r"
            )
            self._composed[known] = self._compose(query, low, high, line=line_of(self._table))
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


def _range_rows(connection: Connection, table: Table) -> int:
    """How many rows make a portion of about the wanted size."""
    query = sql.SQL("select avg(length({}))::int from (select * from {} limit 1000) t")
    with connection.transaction():
        row: tuple[Any, ...] | None = connection.execute(
            query.format(line_of(table), rows_of(table))
        ).fetchone()
    width = row[0] if row else None
    return max(1, min(_MAX_CHUNK_ROWS, _CHUNK_BYTES // (width or 100)))
