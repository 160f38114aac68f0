"""Schemas of one drill beside the live ones, in the live database."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from typing import LiteralString

from psycopg import sql

from supakeep.databases.postgres.assertions import (
    SEARCH_PATH,
    ask,
    create_reader,
    drop_reader,
    grant_reading_of,
)
from supakeep.databases.postgres.connection import Connection, connect
from supakeep.databases.postgres.definitions import Definitions
from supakeep.databases.postgres.errors import mapped_errors
from supakeep.databases.postgres.scratch import PostgresScratch, open_scratch
from supakeep.databases.postgres.scratch_server import LOCK, PREFIX, drop_leftovers
from supakeep.domain.assertions import Assertion
from supakeep.domain.drill import AssertionResult, NotProven
from supakeep.domain.policy import DEFAULT_SCHEMA
from supakeep.domain.schema import Table

# only what a drill has named, and what this very role has made
_OF_DRILLS: LiteralString = """
select nspname from pg_namespace
 where nspname ~ '^supakeep_drill_[0-9a-f]{16}$' and nspowner = (select oid from pg_roles where rolname = current_user)
"""


class PostgresScratchSchemas:
    """A ScratchServer that makes a schema of its own in the database at `url` for each schema of a backup,
    and drops them at the end. No table that is there already is read or written.

    The role of `url` must be allowed to create schemas and roles. `room_bytes` is what a drill may take of
    the live database's disk.
    """

    def __init__(self, url: str, place: str, room_bytes: int) -> None:
        self._url = url
        self._room_bytes = room_bytes
        self.place = place

    def room(self) -> int:
        return self._room_bytes

    @contextmanager
    def open(self) -> Iterator[PostgresScratch]:
        with closing(connect(self._url)) as server, ExitStack() as at_the_end:
            with mapped_errors("drill"):
                drop_leftovers(server, "schema", _OF_DRILLS, _drop_schema)
                create_reader(server)
            schemas = _Schemas(server)
            at_the_end.callback(self._drop, schemas)
            with open_scratch(self._url, self._url) as scratch:
                yield _SchemaScratch(self._url, scratch.server_version, schemas)

    def _drop(self, schemas: _Schemas) -> None:
        """On a connection of its own: the other one may be lost."""
        with closing(connect(self._url)) as server, mapped_errors("drill"):
            for name in schemas.made.values():
                _drop_schema(server, name)
            drop_reader(server)


class _Schemas:
    """The schemas of one drill: `made` names them, by the schemas of the backup that they stand for."""

    def __init__(self, server: Connection) -> None:
        self.made: dict[str, str] = {}
        self._server = server

    def standing_for(self, schema: str) -> str:
        if schema not in self.made:
            name = PREFIX + secrets.token_hex(8)
            with mapped_errors("drill"):
                # before it is there, so that nobody takes it for one that was left
                self._server.execute(LOCK, [name])
                self.made[schema] = name
                _create(self._server, name)
        return self.made[schema]


class _SchemaScratch(PostgresScratch):
    """A ScratchDatabase in these schemas."""

    def __init__(self, url: str, server_version: str, schemas: _Schemas) -> None:
        # the definitions name the schemas in which the live tables are
        super().__init__(url, url, server_version, takes_definitions=False)
        self._schemas = schemas

    def located(self, table: Table) -> Table:
        schema = self._schemas.standing_for(table.schema_name)
        return table.model_copy(update={"schema_name": schema, "shares_name": False})

    def objection(self, assertion: Assertion) -> str | None:
        for schema in self._schemas.made:
            named = rf'(?<!\w){re.escape(schema)}"?\s*\.'
            if re.search(named, assertion.query, re.IGNORECASE):
                return f"it names the schema {schema}, where the live tables are"
        return None

    def create_tables(
        self, tables: Sequence[Table], samples: Mapping[str, Mapping[str, bytes]]
    ) -> Sequence[NotProven]:
        with connect(self._url) as connection, mapped_errors("drill"):
            definitions = Definitions(connection, only_tables=True)
            for table in tables:
                definitions.create(table, samples.get(table.qualified_name, {}))
            for schema in self._schemas.made.values():
                grant_reading_of(connection, schema)
            return definitions.not_proven

    def ask(self, assertion: Assertion) -> AssertionResult:
        own = self._schemas.made.get(DEFAULT_SCHEMA)
        # the live schema is there for its types; nobody has granted READER its tables
        path = [*([own] if own else []), *SEARCH_PATH]
        return ask(self._url, assertion, path)


def _drop_schema(server: Connection, name: str) -> None:
    server.execute(sql.SQL("drop schema if exists {} cascade").format(sql.Identifier(name)))


def _create(server: Connection, name: str) -> None:
    schema = sql.Identifier(name)
    server.execute(sql.SQL("create schema {}").format(schema))
    comment = sql.Literal("Made by a drill of Supakeep, which drops it at its end")
    server.execute(sql.SQL("comment on schema {} is {}").format(schema, comment))
