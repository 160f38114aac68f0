"""Locks that keep the tables of a backup as they are.

TRUNCATE, an ALTER that rewrites a table, and DROP are not of one moment with a snapshot: a table
that they touch looks empty, or is gone, to a snapshot taken before. Nobody can do any of them while
a backup holds ACCESS SHARE; rows can be read and written all the time.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from typing import LiteralString, NamedTuple

import psycopg
from psycopg import sql

from supakeep.databases.postgres.connection import Connection
from supakeep.databases.postgres.errors import is_lost, mapped_errors
from supakeep.errors import DatabaseError, DatabaseUnavailableError

# after the time for all of them is used up, a table that nobody has locked still gets its turn
_LEAST_SECONDS = 1.0

_READABLE: LiteralString = """
select n.nspname, c.relname, c.relkind = 'p'
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
 where c.relkind in ('r', 'p') and not c.relispartition and c.relpersistence <> 't'
   and n.nspname <> 'information_schema' and n.nspname not like 'pg\\_%'
   and has_schema_privilege(n.oid, 'usage') and has_table_privilege(c.oid, 'select')
 order by 1, 2
"""


class Lockable(NamedTuple):
    """A table by its name; what it inherits to is a table by itself, a partition is not."""

    schema_name: str
    name: str
    partitioned: bool

    @property
    def reference(self) -> sql.Composable:
        name = sql.Identifier(self.schema_name, self.name)
        return name if self.partitioned else sql.SQL("only {}").format(name)


class Held(NamedTuple):
    """The tables that are locked, and why others could not be."""

    tables: frozenset[Lockable]
    refused: Mapping[Lockable, DatabaseError]


def readable_tables(connection: Connection) -> list[Lockable]:
    """Every table that the role may read, always in the same order."""
    return [Lockable(*row) for row in connection.execute(_READABLE).fetchall()]


def hold(connection: Connection, tables: Sequence[Lockable], wait_seconds: float | None) -> Held:
    """Locks these tables until the transaction ends. Waits `wait_seconds` at most; None never waits.

    Takes no snapshot, so that it can come before one. A table that cannot be locked is refused.
    Raises DatabaseUnavailableError where the connection is lost.
    """
    give_up_at = time.monotonic() + (wait_seconds or 0)
    if _locks_all(connection, tables, wait_seconds):
        return Held(frozenset(tables), {})
    refused: dict[Lockable, DatabaseError] = {}
    for table in tables:
        left = max(give_up_at - time.monotonic(), _LEAST_SECONDS)
        try:
            with mapped_errors("export", f"{table.schema_name}.{table.name}"):
                _lock(connection, [table], None if wait_seconds is None else left)
        except DatabaseUnavailableError:
            raise
        except DatabaseError as exc:
            refused[table] = exc
    return Held(frozenset(tables) - refused.keys(), refused)


def _locks_all(
    connection: Connection, tables: Sequence[Lockable], wait_seconds: float | None
) -> bool:
    """All of them in one statement, which is fast; an error does not say which one it is about."""
    try:
        if tables:
            _lock(connection, tables, wait_seconds)
    except psycopg.Error as exc:
        if is_lost(exc):
            raise
        return False
    return True


def _lock(connection: Connection, tables: Sequence[Lockable], wait_seconds: float | None) -> None:
    query = sql.SQL("lock table {} in access share mode{}").format(
        sql.SQL(", ").join(table.reference for table in tables),
        sql.SQL(" nowait" if wait_seconds is None else ""),
    )
    with connection.transaction():
        if wait_seconds is not None:
            milliseconds = sql.Literal(math.ceil(wait_seconds * 1000))
            connection.execute(sql.SQL("set local lock_timeout = {}").format(milliseconds))
        connection.execute(query)
