"""The connections of one restore: one that writes, and others that read ahead of it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager

from psycopg import sql

from supakeep.databases.postgres.connection import (
    Connection,
    begin_reading,
    connect_to_read,
)
from supakeep.databases.postgres.errors import mapped_errors
from supakeep.databases.postgres.lines import fetched_rows
from supakeep.databases.postgres.sql import name_of
from supakeep.domain.schema import Table
from supakeep.ports import Rows


class LiveReaders:
    """Connections that see the tables as they are before the restore writes to them."""

    def __init__(self, connections: Sequence[Connection], pool: ThreadPoolExecutor) -> None:
        self._idle = deque(connections)
        self._pool = pool
        self.count = len(connections)

    def submit(self, query: bytes, parameters: Sequence[str]) -> Future[Rows]:
        return self._pool.submit(self._read, query, parameters)

    def _read(self, query: bytes, parameters: Sequence[str]) -> Rows:
        connection = self._idle.popleft()
        try:
            return fetched_rows(connection, query, parameters)
        finally:
            self._idle.append(connection)


@contextmanager
def open_readers(
    url: str, count: int, tables: Iterable[Table], snapshot: str | None
) -> Iterator[LiveReaders]:
    """Readers of these tables, of an exported snapshot or of one that begins with the first query.

    They have their locks from here on: one that waited for somebody else's later would wait for
    ever, since that somebody waits for the restore.
    """
    with ExitStack() as opened:
        connections = [opened.enter_context(closing(connect_to_read(url))) for _ in range(count)]
        for connection in connections:
            with mapped_errors("restore"):
                begin_reading(connection, snapshot)
                for table in tables:
                    lock = sql.SQL("lock table {} in access share mode")
                    connection.execute(lock.format(name_of(table)))
        pool = opened.enter_context(ThreadPoolExecutor(count, "supakeep-live"))
        yield LiveReaders(connections, pool)


class RestoreSession:
    """The transaction of a restore. A statement may run in it while the next rows are prepared."""

    def __init__(
        self, connection: Connection, background: ThreadPoolExecutor, *, dry_run: bool
    ) -> None:
        self._connection = connection
        self._background = background
        self._running: Future[None] | None = None
        self.readers: LiveReaders | None = None
        self.dry_run = dry_run

    @property
    def connection(self) -> Connection:
        """The transaction's connection, when nothing runs on it any more.

        Raises the error of what ran: the transaction is lost then, and no statement may follow it.
        """
        self.wait()
        return self._connection

    def run_later(self, work: Callable[[Connection], None]) -> None:
        """Starts `work`, after what was started before."""
        self._running = self._background.submit(work, self.connection)

    def wait(self) -> None:
        running, self._running = self._running, None
        if running is not None:
            running.result()
