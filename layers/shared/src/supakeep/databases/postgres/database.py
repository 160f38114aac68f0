"""A Postgres database, reached by its own address: the `postgres` engine."""

from __future__ import annotations

from contextlib import AbstractContextManager

from supakeep.databases.postgres.export.source import PostgresSnapshot, open_snapshot
from supakeep.databases.postgres.restore.target import PostgresTransaction, open_transaction
from supakeep.domain.engine import POSTGRES


class PostgresDatabase:
    """SourceDatabase and TargetDatabase at `url`, read over `connections` connections at once."""

    engine = POSTGRES

    def __init__(self, url: str, *, connections: int = 2) -> None:
        self._url = url
        self._connections = connections

    def snapshot(self) -> AbstractContextManager[PostgresSnapshot]:
        return open_snapshot(self._url, self._connections)

    def transaction(self, *, dry_run: bool) -> AbstractContextManager[PostgresTransaction]:
        return open_transaction(self._url, self._connections, dry_run=dry_run)
