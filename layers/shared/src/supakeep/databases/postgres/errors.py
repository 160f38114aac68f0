"""Postgres's errors as ours, decided by their SQLSTATE."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from supakeep.databases.reported import Report
from supakeep.errors import (
    ConstraintViolationError,
    DatabaseError,
    DatabasePermissionError,
    DatabaseUnavailableError,
    ExportError,
    RestoreError,
)

# The connection is gone, or the server is about to close it (appendix A of PostgreSQL's manual):
# shutdowns, a dropped database, and the timeouts that end a session rather than a statement.
_LOST = frozenset(("57P01", "57P02", "57P03", "57P04", "57P05", "25P03", "25P04", "53300"))
_LOST_CLASS = "08"

_PERMISSION_DENIED = "42501"
_MISSING_TABLE = frozenset(("42P01", "3F000"))
_DATA_CLASSES = ("22", "23")
_INSUFFICIENT_RESOURCES = "53"
_KINDS: dict[str, type[DatabaseError]] = {
    "restore": RestoreError,
    "export": ExportError,
    "count": ExportError,
}
# What to do about a refusal, by SQLSTATE.
_LOCK_NOT_AVAILABLE = "55P03"
_HINTS = {
    _LOCK_NOT_AVAILABLE: "Such a session may be a migration that is still open: pg_locks and "
    "pg_stat_activity show it. Run this again once it has ended.",
    "57014": "Somebody cancelled the statement, or a limit of the database ended it. Run this again.",
    "40P01": "Another session waited for this one while this one waited for it. Run this again.",
    "40001": "Another session changed the same rows. Run this again.",
    "53100": "The database's disk is full. Free space, or enlarge the disk.",
    "53200": "The server ran out of memory. Where the message speaks of shared memory, raise "
    "max_locks_per_transaction. Otherwise a row is too large for the server.",
    "54000": "A row or a value is larger than PostgreSQL handles in one piece (1 GB as text, "
    "8 kB for a row whose values cannot be moved out of line).",
    "42P10": "A publication filters rows, or lists columns, by more than the table's replica identity. "
    "Use ALTER TABLE … REPLICA IDENTITY FULL, or take the table out of the publication.",
    "55000": "A table that publishes updates and deletes needs a primary key, or "
    "ALTER TABLE … REPLICA IDENTITY FULL.",
}


@contextmanager
def mapped_errors(operation: str, table: str | None = None) -> Iterator[None]:
    """The one place where Postgres's errors become ours.

    A lost connection is a DatabaseUnavailableError. Every other error is about the statement: the
    connection goes on. The message names the table where there is one.
    """
    try:
        yield
    except psycopg.Error as exc:
        raise error_of(exc, operation, table) from without_values(exc)


def report_of(exc: psycopg.Error) -> Report:
    """What the server says in this error."""
    said = exc.diag
    message = said.message_primary or type(exc).__name__
    return Report(exc.sqlstate or "", message, said.message_detail, said.context)


def without_values(exc: psycopg.Error) -> psycopg.Error:
    """The error itself, which prints no value of a row from here on: tracebacks, which are logged, show the
    cause of an error.
    """
    if exc.sqlstate is not None:
        exc.args = (report_of(exc).without_values,)
    return exc


def error_of(exc: psycopg.Error, operation: str, table: str | None) -> DatabaseError:
    """Postgres's error as ours."""
    code = exc.sqlstate or ""
    if is_lost(exc):
        return _unavailable(exc, operation, table)
    if code == _PERMISSION_DENIED:
        return _permission_denied(exc, operation, table)
    if code in _MISSING_TABLE and table and not _is_within_users_code(exc, operation):
        kind = _KINDS.get(operation, DatabaseError)
        return kind(f"Table {table} does not exist", operation=operation, key=table)
    if code == _LOCK_NOT_AVAILABLE and table:
        return _locked(operation, table)
    return _refusal(exc, operation, table)


def _locked(operation: str, table: str) -> DatabaseError:
    kind = _KINDS.get(operation, DatabaseError)
    return kind(
        f"Table {table} is locked by another session, which did not release it in time",
        operation=operation,
        key=table,
        hint=_HINTS[_LOCK_NOT_AVAILABLE],
    )


def _is_within_users_code(exc: psycopg.Error, operation: str) -> bool:
    """Whether a trigger's or a function's own statement failed, which may name any table."""
    return operation == "restore" and exc.diag.context is not None


def is_lost(exc: psycopg.Error) -> bool:
    """Whether the connection is gone, and with it the transaction and its snapshot."""
    if exc.sqlstate is None:
        return isinstance(exc, psycopg.OperationalError)
    return exc.sqlstate in _LOST or exc.sqlstate.startswith(_LOST_CLASS)


def _refusal(exc: psycopg.Error, operation: str, table: str | None) -> DatabaseError:
    code = exc.sqlstate or ""
    kind = _KINDS.get(operation, DatabaseError)
    if code.startswith(_DATA_CLASSES) and kind is not ExportError:
        kind = ConstraintViolationError
    report = report_of(exc)
    subject = f"{table}: " if table else "The database refused: "
    refusal = kind(
        f"{subject}{report.without_values}",
        operation=operation,
        key=table,
        hint=_HINTS.get(code),
        in_full=f"{subject}{report.in_full}",
    )
    refusal.lacked_room = code.startswith(_INSUFFICIENT_RESOURCES)
    return refusal


def _permission_denied(
    exc: psycopg.Error, operation: str, table: str | None
) -> DatabasePermissionError:
    reason = report_of(exc).without_values
    return DatabasePermissionError(
        f"Permission denied for table {table}" if table else f"Permission denied: {reason}",
        operation=operation,
        key=table,
        hint=f"PostgreSQL says: {reason}. The role in SUPABASE_DB_URL must own the table or be "
        "granted it (GRANT SELECT, INSERT, UPDATE ON …; replace needs DELETE too), and bypass row-level security.",
    )


def _unavailable(exc: psycopg.Error, operation: str, table: str | None) -> DatabaseUnavailableError:
    reason = exc.diag.message_primary or str(exc).strip().partition("\n")[0]
    during = f" ({operation} of {table})" if table else ""
    return DatabaseUnavailableError(
        f"The database did not answer{during}: {reason}",
        operation=operation,
        key=table,
        hint="Check SUPABASE_DB_URL. From AWS, use the session pooler "
        "(aws-<n>-<region>.pooler.supabase.com, port 5432): the direct host is IPv6 only. "
        "A server on another machine must offer TLS, unless SUPABASE_DB_URL has an sslmode.",
    )
