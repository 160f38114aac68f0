"""The connections of one restore: one that writes, and others that read ahead of it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, closing, contextmanager
from functools import cached_property
from typing import LiteralString

from psycopg import sql

from supakeep.databases.postgres.connection import (
    Connection,
    begin_reading,
    connect_to_read,
)
from supakeep.databases.postgres.errors import mapped_errors
from supakeep.databases.postgres.indexes import load_indexes
from supakeep.databases.postgres.portions import PortionQuery
from supakeep.databases.postgres.sql import name_of
from supakeep.domain.schema import Table
from supakeep.ports import Rows


class LiveReaders:
    """Connections that see the tables as they are before the restore writes to them."""

    def __init__(self, connections: Sequence[Connection], pool: ThreadPoolExecutor) -> None:
        self._idle = deque(connections)
        self._pool = pool
        self.count = len(connections)

    def submit(self, query: PortionQuery, parameters: Sequence[str]) -> Future[Rows]:
        return self._pool.submit(self._read, query, parameters)

    def _read(self, query: PortionQuery, parameters: Sequence[str]) -> Rows:
        connection = self._idle.popleft()
        try:
            return query.fetch(connection, parameters)
        finally:
            self._idle.append(connection)


@contextmanager
def open_readers(
    url: str, count: int, tables: Sequence[Table], snapshot: str | None
) -> Iterator[LiveReaders]:
    """Readers of these tables, of an exported snapshot or of one that begins with the first query.

    They have their locks from here on. One that waited later for another session's lock would wait
    for ever, since that session waits for the restore.
    """
    with ExitStack() as opened:
        connections = [opened.enter_context(closing(connect_to_read(url))) for _ in range(count)]
        with mapped_errors("restore"):
            for table in tables:
                # before the transactions: a query in one would settle what it sees too early
                load_indexes(connections, table)
        for connection in connections:
            with mapped_errors("restore"):
                begin_reading(connection, snapshot)
                for table in tables:
                    lock = sql.SQL("lock table {} in access share mode")
                    connection.execute(lock.format(name_of(table)))
        pool = opened.enter_context(ThreadPoolExecutor(count, "supakeep-live"))
        yield LiveReaders(connections, pool)


# Batches that wait for their turn. With none, the database would wait whenever this thread does not
# give up Python's lock at once.
_AHEAD = 1
_SETTINGS = ("search_path", "TimeZone")
_USE: LiteralString = (
    "select pg_catalog.set_config('search_path', $1, $3), pg_catalog.set_config('TimeZone', $2, $3)"
)
_SAVEPOINT: LiteralString = "savepoint supakeep_table"
_RELEASE: LiteralString = "release savepoint supakeep_table"
_ROLL_BACK: LiteralString = "rollback to savepoint supakeep_table"
# A statement that was under way when the transaction ended must not be one of its own.
_END: LiteralString = "rollback; set default_transaction_read_only = on"


class RestoreSession:
    """The transaction of a restore. A statement may run in it while the next rows are prepared.

    Statements that write run under the role's own search path and time zone: triggers, checks,
    domains and generated columns of the database are made for these.
    """

    def __init__(
        self, connection: Connection, background: ThreadPoolExecutor, *, dry_run: bool
    ) -> None:
        self._connection = connection
        self._background = background
        self._running: deque[Future[None]] = deque()
        self._error: BaseException | None = None
        self._writes = False
        self.readers: LiveReaders | None = None
        # whether triggers may change what is written
        self.triggers_fire = False
        self.dry_run = dry_run

    def to_read(self) -> Connection:
        """The transaction's connection, when nothing runs on it any more.

        Raises the error of what ran: the transaction is lost then, and no statement may follow it.
        """
        self.wait()
        self._use(writes=False)
        return self._connection

    def to_write(self) -> Connection:
        """The same for a statement that writes."""
        self.wait()
        self._use(writes=True)
        return self._connection

    def write_later(self, work: Callable[[Connection], None]) -> None:
        """Does `work` after what was started before, and not once that has failed. Raises the first
        error of earlier work.
        """
        if not self._writes:
            self.to_write()
        if len(self._running) > _AHEAD:
            self._first_ends()
        self._running.append(self._background.submit(self._work, work))

    def wait(self) -> None:
        """Waits for what was started. Raises the first error of it."""
        while self._running:
            self._first_ends()

    def _first_ends(self) -> None:
        try:
            self._running.popleft().result()
        except Exception:
            # nobody may use the connection before the others have ended
            wait(self._running)
            self._running.clear()
            raise

    def _work(self, work: Callable[[Connection], None]) -> None:
        if self._error is not None:
            raise self._error
        try:
            work(self._connection)
        except BaseException as exc:
            self._error = exc
            raise

    def set_savepoint(self) -> None:
        """Marks the place that `start_over` goes back to."""
        self.to_read().execute(_SAVEPOINT)

    def start_over(self) -> None:
        """Takes back what was written since the savepoint, after an error too."""
        self._connection.execute(_ROLL_BACK)
        self._set(self._reading, local=True)
        self._writes, self._error = False, None

    def release_savepoint(self) -> None:
        """Keeps what was written since."""
        self.to_read().execute(_RELEASE)

    def abandon(self) -> None:
        """Ends the transaction without its writes. What follows may convert values as the writes
        would have, and can write nothing.
        """
        self._connection.execute(_END)
        self._set(self._writing, local=False)

    def _use(self, *, writes: bool) -> None:
        if writes != self._writes:
            self._set(self._writing if writes else self._reading, local=True)
            self._writes = writes

    def _set(self, values: Sequence[str], *, local: bool) -> None:
        self._connection.execute(_USE, [*values, local])

    @cached_property
    def _reading(self) -> tuple[str, str]:
        """The search path and time zone that rows are read with."""
        row = self._connection.execute(
            "select current_setting('search_path'), current_setting('TimeZone')"
        ).fetchone()
        return row or ("pg_catalog", "UTC")

    @cached_property
    def _writing(self) -> tuple[str, str]:
        """The role's own; after them come the schemas of operators that compare keys."""
        operators = self._reading[0].removeprefix("pg_catalog").lstrip(", ")
        rows = self._connection.execute(
            "select name, reset_val from pg_settings where name = any($1)", [list(_SETTINGS)]
        ).fetchall()
        path, zone = (dict(rows)[name] for name in _SETTINGS)
        return ", ".join(filter(None, (path, operators))), zone
