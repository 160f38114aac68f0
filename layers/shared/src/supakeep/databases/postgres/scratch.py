"""A PostgreSQL database that is made for one drill and thrown away after it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import LiteralString

from psycopg import sql

from supakeep.databases.postgres.assertions import ask, grant_reading
from supakeep.databases.postgres.connection import connect
from supakeep.databases.postgres.database import PostgresDatabase
from supakeep.databases.postgres.definitions import Definitions
from supakeep.databases.postgres.errors import mapped_errors
from supakeep.databases.postgres.rebuild.making import begin_script, make
from supakeep.databases.postgres.rebuild.stand_ins import ROLES, stand_in
from supakeep.domain.assertions import Assertion
from supakeep.domain.definitions_script import Definition
from supakeep.domain.drill import AssertionResult, NotProven
from supakeep.domain.rebuild import NotRebuilt
from supakeep.domain.schema import Table

_SECURED: LiteralString = """
select n.nspname, c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
 where c.relrowsecurity or c.relforcerowsecurity
"""
_ROLES: LiteralString = "select count(*) from pg_roles where rolname = any ($1)"


class PostgresScratch:
    """A ScratchDatabase at `url`, empty when it is opened; `readers_url` is the same for assertions."""

    def __init__(
        self, url: str, readers_url: str, server_version: str, *, takes_definitions: bool
    ) -> None:
        self._url = url
        self._readers_url = readers_url
        self.server_version = server_version
        self.takes_definitions = takes_definitions
        self.database = PostgresDatabase(url)

    def located(self, table: Table) -> Table:
        return table

    def objection(self, assertion: Assertion) -> str | None:  # noqa: ARG002
        return None

    def stand_in(self, users: Sequence[Table]) -> None:
        with connect(self._url) as connection, mapped_errors("drill"):
            stand_in(connection, users)

    def make(
        self, definitions: Sequence[Definition], settings: Sequence[str]
    ) -> Sequence[NotRebuilt]:
        problems: list[NotRebuilt] = []
        with connect(self._url) as connection, mapped_errors("drill"):
            begin_script(connection, settings)
            for definition in definitions:
                with connection.transaction():
                    problems += make(connection, definition)[1]
            for schema, table in connection.execute(_SECURED).fetchall():
                open_to_all = sql.SQL(
                    "alter table {} disable row level security, no force row level security"
                )
                connection.execute(open_to_all.format(sql.Identifier(schema, table)))
        return problems

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
        # on somebody's server none is made: roles are not gone with the database
        [(roles,)] = connection.execute(_ROLES, [list(ROLES)]).fetchall()
    yield PostgresScratch(url, readers_url, str(version), takes_definitions=roles == len(ROLES))
