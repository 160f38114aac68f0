"""A PostgreSQL database that is made for one drill and thrown away after it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from supakeep.databases.postgres.assertions import ask, grant_reading
from supakeep.databases.postgres.connection import connect
from supakeep.databases.postgres.database import PostgresDatabase
from supakeep.databases.postgres.definitions import Definitions
from supakeep.databases.postgres.errors import mapped_errors
from supakeep.domain.assertions import Assertion
from supakeep.domain.drill import AssertionResult, NotProven
from supakeep.domain.schema import Table


class PostgresScratch:
    """A ScratchDatabase at `url`, empty when it is opened; `readers_url` is the same for assertions."""

    def __init__(self, url: str, readers_url: str, server_version: str) -> None:
        self._url = url
        self._readers_url = readers_url
        self.server_version = server_version
        self.database = PostgresDatabase(url)

    def located(self, table: Table) -> Table:
        return table

    def objection(self, assertion: Assertion) -> str | None:  # noqa: ARG002
        return None

    def create_tables(
        self, tables: Sequence[Table], samples: Mapping[str, Mapping[str, bytes]]
    ) -> Sequence[NotProven]:
        with connect(self._url) as connection, mapped_errors("drill"):
            definitions = Definitions(connection)
            for table in tables:
                definitions.create(table, samples.get(table.qualified_name, {}))
            grant_reading(connection)
            return definitions.not_proven

    def ask(self, assertion: Assertion) -> AssertionResult:
        return ask(self._readers_url, assertion)


@contextmanager
def open_scratch(url: str, readers_url: str) -> Iterator[PostgresScratch]:
    """The empty database at this address, and the address at which assertions are asked."""
    with connect(url) as connection, mapped_errors("drill"):
        [(version,)] = connection.execute("show server_version").fetchall()
    yield PostgresScratch(url, readers_url, str(version))
