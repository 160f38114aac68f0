"""A Postgres database, reached by its own address: the `postgres` engine."""

from __future__ import annotations

import datetime as dt
from contextlib import AbstractContextManager

from supakeep.databases.postgres.address import with_authority
from supakeep.databases.postgres.connection import connect
from supakeep.databases.postgres.errors import mapped_errors
from supakeep.databases.postgres.export.source import PostgresSnapshot, open_snapshot
from supakeep.databases.postgres.restore.target import PostgresTransaction, open_transaction
from supakeep.domain.engine import POSTGRES
from supakeep.domain.plan import TableFilter, every_table
from supakeep.domain.table_activity import TableActivity


class PostgresDatabase:
    """SourceDatabase and TargetDatabase at `url`, read over `connections` connections at once.

    `authority` is the certificate authority of the server: a file's path or PEM text. A backup waits
    `lock_wait_seconds` for tables that somebody else has locked.
    """

    engine = POSTGRES

    def __init__(
        self,
        url: str,
        *,
        connections: int = 2,
        authority: str | None = None,
        lock_wait_seconds: float = 60,
    ) -> None:
        self._url = with_authority(url, authority)
        self._connections = connections
        self._lock_wait_seconds = lock_wait_seconds

    def snapshot(
        self, selects: TableFilter = every_table
    ) -> AbstractContextManager[PostgresSnapshot]:
        return open_snapshot(
            self._url, self._connections, selects, lock_wait_seconds=self._lock_wait_seconds
        )

    def transaction(self, *, dry_run: bool) -> AbstractContextManager[PostgresTransaction]:
        return open_transaction(self._url, self._connections, dry_run=dry_run)

    def server_time(self) -> dt.datetime:
        """The present moment by the server's clock. Errors as in SourceDatabase."""
        with connect(self._url) as connection, mapped_errors("compare clocks"):
            [(now,)] = connection.execute("select clock_timestamp()").fetchall()
            moment: dt.datetime = now
            return moment

    def table_activity(self) -> dict[str, TableActivity]:
        """What the statistics say of each table. Errors as in SourceDatabase."""
        # only a survey asks, and the functions load this module
        from supakeep.databases.postgres.statistics import read_activity

        with connect(self._url) as connection:
            return read_activity(connection)
