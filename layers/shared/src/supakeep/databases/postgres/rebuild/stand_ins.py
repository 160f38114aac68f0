"""Stand-ins on a plain PostgreSQL for what a Supabase project has by itself."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files

from psycopg import sql

from supakeep.databases.postgres.connection import Connection
from supakeep.databases.postgres.definitions import Definitions
from supakeep.databases.postgres.sql import name_of
from supakeep.domain.schema import Column, Table
from supakeep.domain.users import AUTH_SCHEMA

_NOTICE = (
    "This is no Supabase project: roles and stand-ins for auth, storage and extensions were made. "
    "Nobody can log in here."
)
# what other tables refer to, where the backup has no users
_USERS = Table(
    schema_name=AUTH_SCHEMA,
    name="users",
    columns=(Column(name="id", type="uuid", nullable=False), Column(name="email", type="text")),
    primary_key=("id",),
)


ROLES = ("anon", "authenticated", "service_role")
"""Those that grants and policies of a project name, and that Supabase makes in each server."""


def stand_in(connection: Connection, users: Sequence[Table]) -> list[str]:
    """Makes roles and schemas where there is no schema `auth`; these tables of users in it. Raises
    psycopg.Error.
    """
    if connection.execute("select to_regnamespace($1)", [AUTH_SCHEMA]).fetchone() != (None,):
        return []
    with connection.transaction():
        for role in ROLES:
            _make_role(connection, role)
        connection.execute(_script())
        definitions = Definitions(connection)
        for table in users or [_USERS]:
            definitions.create(_plain(table), {})
            # those of a drill need not outlive it, and nothing permanent may refer to them
            logged = sql.SQL("alter table {} set logged")
            connection.execute(logged.format(name_of(table)))
    return [_NOTICE]


def _make_role(connection: Connection, role: str) -> None:
    exists = "select from pg_roles where rolname = $1"
    if not connection.execute(exists, [role]).fetchall():
        connection.execute(sql.SQL("create role {} nologin").format(sql.Identifier(role)))


def _script() -> bytes:
    return files("supakeep.databases.postgres.rebuild").joinpath("stand_ins.sql").read_bytes()


def _plain(table: Table) -> Table:
    """Nobody knows how its generated columns are generated."""
    columns = tuple(column.model_copy(update={"generated": False}) for column in table.columns)
    return table.model_copy(update={"columns": columns})
