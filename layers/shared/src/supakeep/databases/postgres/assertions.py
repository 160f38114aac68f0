"""A user's assertion, asked of restored rows: it reads only, and not for ever."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import closing, suppress
from typing import Any, LiteralString

import psycopg
from psycopg import sql

from supakeep.databases.postgres.connection import Connection, connect
from supakeep.domain.assertions import Assertion
from supakeep.domain.drill import AssertionResult
from supakeep.domain.manifest_parts import Problem
from supakeep.errors import SupakeepError

READER = "supakeep_assertions"
"""The role that assertions are asked as; it can log in only where the server trusts its callers."""

_SECONDS = 30
_MOST_EXAMPLES = 3
# classes of SQLSTATE: syntax and access rules, features that are not there, limits
_ABOUT_THE_QUERY = ("42", "0A", "53", "54")
# A role that may read and nothing else: no file, no program, no other server.
_PREPARE: LiteralString = """
do $$
declare
  s text;
begin
  if not exists (select from pg_roles where rolname = 'supakeep_assertions') then
    create role supakeep_assertions login noinherit;
  end if;
  for s in select nspname from pg_namespace
            where nspname <> 'information_schema' and nspname not like 'pg\\_%' loop
    execute format('grant usage on schema %I to supakeep_assertions', s);
    execute format('grant select on all tables in schema %I to supakeep_assertions', s);
  end loop;
end $$
"""
_BEGIN: LiteralString = "begin isolation level repeatable read, read only"
# tables are named as the user's own database finds them
SEARCH_PATH = ("public", "extensions")


def grant_reading(connection: Connection) -> None:
    """Makes the role READER, and lets it read every table that is there."""
    connection.execute(_PREPARE)


def create_reader(server: Connection) -> None:
    """Makes the role READER where nobody logs in as it, and the role of this session becomes it."""
    reader = sql.Identifier(READER)
    # another drill may have made it
    with suppress(psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation):
        server.execute(sql.SQL("create role {} nologin noinherit").format(reader))
    server.execute(sql.SQL("grant {} to current_user").format(reader))


def drop_reader(server: Connection) -> None:
    """Drops the role; another drill may need it, and drops it then."""
    with suppress(psycopg.Error):
        server.execute(sql.SQL("drop role if exists {}").format(sql.Identifier(READER)))


def grant_reading_of(connection: Connection, schema: str) -> None:
    """Lets READER read the tables of this schema, and no other one."""
    names = {"schema": sql.Identifier(schema), "reader": sql.Identifier(READER)}
    for grant in ("usage on schema", "select on all tables in schema"):
        connection.execute(sql.SQL(f"grant {grant} {{schema}} to {{reader}}").format(**names))


def ask(
    url: str, assertion: Assertion, search_path: Sequence[str] = SEARCH_PATH
) -> AssertionResult:
    """Asks in a transaction that may only read, as the role READER, for 30 s at most. Tables are looked for
    in the schemas of `search_path`.

    Where `url` logs in as another role, that one must be allowed to become READER.
    """
    started = time.monotonic()
    problem = _problem_of(url, assertion, search_path)
    milliseconds = round((time.monotonic() - started) * 1000)
    return AssertionResult(
        name=assertion.name, holds=problem is None, milliseconds=milliseconds, problem=problem
    )


def _problem_of(url: str, assertion: Assertion, search_path: Sequence[str]) -> Problem | None:
    try:
        with closing(connect(url)) as connection:
            _begin(connection, search_path)
            cursor = connection.execute(assertion.query.encode(), prepare=True)
            if cursor.description is None:
                return _wrong(assertion, "is not a query that gives rows")
            return _what_speaks_against(assertion, cursor.fetchmany(_MOST_EXAMPLES + 1))
    except psycopg.errors.QueryCanceled:
        return _wrong(assertion, f"took longer than {_SECONDS} s")
    except psycopg.errors.ReadOnlySqlTransaction:
        return _wrong(assertion, "tries to write, and may only read")
    except psycopg.Error as exc:
        return _wrong(assertion, f"failed: {_without_values(exc)}")
    except SupakeepError as exc:
        return Problem.from_error(exc)


def _without_values(exc: psycopg.Error) -> str:
    """What the server says, unless that may quote a value of a row: the ledger is kept for long."""
    if (exc.sqlstate or "").startswith(_ABOUT_THE_QUERY):
        return exc.diag.message_primary or type(exc).__name__
    return f"{type(exc).__name__} (SQLSTATE {exc.sqlstate})"


def _begin(connection: Connection, search_path: Sequence[str]) -> None:
    connection.execute(_BEGIN)
    connection.execute(sql.SQL("set local statement_timeout = {}").format(f"{_SECONDS}s"))
    path = sql.SQL(", ").join(map(sql.Identifier, search_path))
    connection.execute(sql.SQL("set local search_path = {}").format(path))
    connection.execute(sql.SQL("set local role {}").format(sql.Identifier(READER)))


def _what_speaks_against(assertion: Assertion, rows: Sequence[Sequence[Any]]) -> Problem | None:
    """Nothing where there is no row, or a single value that is true."""
    if not rows or [tuple(row) for row in rows] == [(True,)]:
        return None
    if len(rows) == 1 and len(rows[0]) == 1 and rows[0][0] in (False, None):
        return _wrong(assertion, "does not hold")
    count = f"more than {_MOST_EXAMPLES}" if len(rows) > _MOST_EXAMPLES else str(len(rows))
    noun = "row speaks" if len(rows) == 1 else "rows speak"
    return _wrong(assertion, f"does not hold: {count} {noun} against it")


def _wrong(assertion: Assertion, why: str) -> Problem:
    return Problem(
        message=f"The assertion {assertion.name!r} {why}",
        hint="An assertion holds where its query gives no row, or one value that is true.",
    )
