"""Connections to Postgres, set up alike."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, LiteralString

import psycopg
from psycopg import sql

from supakeep.databases.postgres.address import completed
from supakeep.databases.postgres.errors import mapped_errors
from supakeep.databases.sql import sql_query
from supakeep.errors import DatabaseUnavailableError

Connection = psycopg.Connection[Any]

# What row_to_json prints depends on these; statement_timeout is two minutes on Supabase.
# lock_timeout: waiting for somebody else's lock would use up the function's time.
# row_security = off: a policy that would hide rows raises an error instead.
_SESSION = """
set timezone = 'UTC';
set datestyle = 'ISO';
set intervalstyle = 'postgres';
set bytea_output = 'hex';
set standard_conforming_strings = on;
set quote_all_identifiers = off;
set xmloption = 'content';
set lc_monetary = 'C';
set extra_float_digits = 3;
set row_security = off;
set statement_timeout = 0;
set lock_timeout = '60s';
set idle_in_transaction_session_timeout = 0;
set jit = off;
set search_path = pg_catalog;
"""
# Types are spelled with their schema, so that a name means the same in every session.
SYSTEM_NAMES: LiteralString = "set search_path = pg_catalog"
# a setting of PostgreSQL 17 and later
_NO_TRANSACTION_TIMEOUT: LiteralString = (
    "select set_config(name, '0', false) from pg_settings where name = 'transaction_timeout'"
)
BEGIN_READING: LiteralString = "begin isolation level repeatable read, read only"
# What is asked of range after range is planned once.
_PLAN_ONCE: LiteralString = "set plan_cache_mode = force_generic_plan"
# A process under glibc gives memory back to the kernel each time a piece larger than 128 KB is
# freed, and gets it again page by page: a third of the time in which a portion of rows is made. It
# does not after it has freed a piece of this size.
_LARGE_PIECE_BYTES = 2 * 1024 * 1024
_KEEP_MEMORY: LiteralString = "select octet_length(repeat('x', $1))"


def connect(url: str) -> Connection:
    """A connection in autocommit mode whose session prints every value in full.

    Raises ConfigurationError for an address that cannot be read, DatabaseUnavailableError or
    DatabasePermissionError; no error shows the password.
    """
    parameters = completed(url) | {"application_name": "supakeep", "client_encoding": "UTF8"}
    with mapped_errors("connect"):
        connection = psycopg.connect(
            autocommit=True,
            # its placeholders are $1, so that a name may hold a percent sign
            cursor_factory=psycopg.RawCursor,
            **parameters,
        )
        with _closed_on_failure(connection):
            connection.execute(_SESSION)
            connection.execute(_NO_TRANSACTION_TIMEOUT)
            compare_as_types_do(connection)
        return connection


@contextmanager
def _closed_on_failure(connection: Connection) -> Iterator[None]:
    """The error that escapes would keep the connection, and a session of the server with it."""
    try:
        yield
    except BaseException:
        connection.close()
        raise


def connect_to_read(url: str) -> Connection:
    """The same for a session that asks few queries, and those often. Errors as of `connect`."""
    connection = connect(url)
    with mapped_errors("connect"), _closed_on_failure(connection):
        connection.execute(_PLAN_ONCE)
        connection.execute(_KEEP_MEMORY, [_LARGE_PIECE_BYTES])
    bytes(_LARGE_PIECE_BYTES)  # the same for the process on this side
    return connection


def exported_snapshot(connection: Connection) -> str:
    """The name under which other connections can share this transaction's snapshot."""
    row = connection.execute("select pg_export_snapshot()").fetchone()
    return str(row[0]) if row else ""


def begin_reading(connection: Connection, snapshot: str | None = None) -> None:
    """Begins to read from an exported snapshot, or from one that the first query makes."""
    connection.execute(BEGIN_READING)
    if snapshot is not None:
        shared = sql.SQL("set transaction snapshot {}")
        try:
            connection.execute(shared.format(sql.Literal(snapshot)))
        except psycopg.DatabaseError as exc:
            raise _snapshot_gone() from exc


def _snapshot_gone() -> DatabaseUnavailableError:
    return DatabaseUnavailableError(
        "The snapshot that the connections share is gone: the one that holds it was lost",
        operation="connect",
        hint="Run this again. If it happens again, look at the server's log for what ends sessions.",
    )


def compare_as_types_do(connection: Connection) -> None:
    """Sets the search path so that comparisons of keys find their types' own operators."""
    connection.execute(sql_query("operator_path.sql"))
