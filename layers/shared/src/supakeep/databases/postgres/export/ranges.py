"""Reads a table in ranges of its primary key, over several connections at once."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from queue import SimpleQueue
from typing import Any, NamedTuple, TypeVar

from psycopg import sql

from supakeep.databases.postgres.connection import Connection
from supakeep.databases.postgres.export.range_queries import Bound, RangeQueries
from supakeep.databases.postgres.lines import TOO_WIDE, line_of
from supakeep.databases.postgres.sql import rows_of
from supakeep.domain.schema import Table
from supakeep.ports import Rows

# Rows are handed over many at a time, since work done per row in Python is what costs. Larger
# portions are slower: what is small stays in the processor's cache.
_CHUNK_BYTES = 256 * 1024
_MAX_CHUNK_ROWS = 2000
# A range in which a row is wider than its share of this is read a few rows at a time, and one by one
# where a row is wider than a share of these.
_MOST_BYTES = 8 * 1024 * 1024
_FEW_ROWS = 32
# ranges that are read before somebody asks for them, for each connection
_AHEAD = 4
# ends of ranges that are found at once, while those found before are read
_ENDS = 16

_T = TypeVar("_T")


class _Range(NamedTuple):
    """Keys above `low` and up to `high` (None is the end on that side), and the rows to come."""

    low: Bound
    high: Bound
    found: Future[Rows]


class RangeReader:
    """All rows of one table, in the key's order.

    Whoever iterates coordinates: each connection takes the next of the ranges that are asked for,
    and no more than a few are ahead of the one that is handed on. Raises psycopg's own errors,
    wherever they came up; each connection goes on from a savepoint then.
    """

    def __init__(
        self, connections: Sequence[Connection], pool: ThreadPoolExecutor, table: Table
    ) -> None:
        self._connections = connections
        self._pool = pool
        self._queries = RangeQueries(table)
        self._range_rows = _range_rows(connections[0], table)
        self._idle: SimpleQueue[Connection] = SimpleQueue()
        self._asked: deque[Future[Any]] = deque()
        # all rows, counted by a query of its own while the last ranges are read
        self.counted: Future[int] | None = None

    def __iter__(self) -> Iterator[Rows]:
        with ExitStack() as savepoints:
            for connection in self._connections:
                savepoints.enter_context(connection.transaction())
                self._idle.put(connection)
            try:
                yield from self._in_order()
                # it may not have begun, and what has not begun is cancelled
                wait([self.counted] if self.counted else [])
            finally:
                # the next table needs connections that have finished
                wait([asked for asked in self._asked if not asked.cancel()])

    def _in_order(self) -> Iterator[Rows]:
        ahead = _AHEAD * len(self._connections)
        waiting: deque[_Range] = deque()
        for asked in self._ranges():
            waiting.append(asked)
            if len(waiting) > ahead:
                yield from self._rows(waiting.popleft())
        for asked in waiting:
            yield from self._rows(asked)

    def _ranges(self) -> Iterator[_Range]:
        """Asks for one range after the other."""
        low: Bound = None
        for high, rows in self._ends():
            found = self._ask(self._read, low, high, _MOST_BYTES // rows)
            yield _Range(low, high, found)
            low = high
        self.counted = self._ask(self._queries.count)

    def _ends(self) -> Iterator[tuple[Bound, int]]:
        """Where the ranges end, and how many rows each has at most; the last one has no end."""
        rows = self._range_rows
        coming = self._ask(self._queries.ends, None, rows, _ENDS)
        while found := coming.result():
            ends_rows, rows = rows, self._range_rows
            coming = self._ask(self._queries.ends, found[-1], rows, _ENDS)
            for end in found:
                yield end, ends_rows
        yield None, rows

    def _rows(self, asked: _Range) -> Iterator[Rows]:
        rows = asked.found.result()
        if rows.count == TOO_WIDE:
            yield from self._few_at_a_time(asked.low, asked.high)
        elif rows.count:
            yield rows

    def _few_at_a_time(self, low: Bound, high: Bound) -> Iterator[Rows]:
        """A range in which rows are so wide that they must not be fetched together."""
        for start, end in self._parts(low, high, _FEW_ROWS):
            rows = self._ask(self._read, start, end, _MOST_BYTES // _FEW_ROWS).result()
            if rows.count == TOO_WIDE:
                yield from self._one_by_one(start, end)
            elif rows.count:
                yield rows

    def _one_by_one(self, low: Bound, high: Bound) -> Iterator[Rows]:
        for start, end in self._parts(low, high, 1):
            rows = self._ask(self._read_exactly, start, end).result()
            if rows.count:
                yield rows

    def _parts(self, low: Bound, high: Bound, rows: int) -> Iterator[tuple[Bound, Bound]]:
        """The bounds of so many rows at a time."""
        while low is None or low != high:
            end = self._ask(self._queries.end, low, high, rows).result() or high
            yield low, end
            if end is None:
                return
            low = end

    def _ask(self, task: Callable[..., _T], *arguments: Any) -> Future[_T]:
        """Has the next idle connection do something."""
        while self._asked and self._asked[0].done():
            self._asked.popleft()
        asked = self._pool.submit(self._do, task, *arguments)
        self._asked.append(asked)
        return asked

    def _do(self, task: Callable[..., _T], *arguments: Any) -> _T:
        connection = self._idle.get()
        try:
            return task(connection, *arguments)
        finally:
            self._idle.put(connection)

    def _read(self, connection: Connection, low: Bound, high: Bound, width: int) -> Rows:
        return self._measured(self._queries.lines(connection, low, high, width))

    def _read_exactly(self, connection: Connection, low: Bound, high: Bound) -> Rows:
        return self._measured(self._queries.wide_lines(connection, low, high))

    def _measured(self, rows: Rows) -> Rows:
        """Expects the next ranges to be as wide as this one."""
        if 0 < rows.count < TOO_WIDE:
            self._range_rows = _rows_of_width(len(rows.lines) // rows.count)
        return rows


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
