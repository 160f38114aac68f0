"""What the Data API answers in place of rows, as this package's errors."""

from __future__ import annotations

import json
from typing import NoReturn

import httpx
from postgrest.exceptions import APIError

from supakeep.domain.plan import permission_denied
from supakeep.domain.schema import Table
from supakeep.errors import (
    ConstraintViolationError,
    DatabaseError,
    DatabasePermissionError,
    DatabaseUnavailableError,
    ExportError,
    FunctionsMissingError,
)

MIGRATION = "supabase/migrations/20250129_backup_functions.sql"

# SQLSTATE classes (PostgreSQL's manual, appendix A) and PostgREST's own codes
_SQLSTATE_LENGTH = 5
_VIOLATION_CLASSES = ("22", "23")
_UNAVAILABLE_CLASSES = ("08", "40", "53", "57", "58", "XX")
# 55P03: a lock was not to be had in time; the rest of class 55 does not pass by waiting
_UNAVAILABLE_CODES = ("55P03", "PGRST000", "PGRST001", "PGRST002", "PGRST003")
# where a gateway answers in PostgREST's place, the HTTP status is all there is
_UNAVAILABLE_STATUSES = (429, 500, 502, 503, 504, 520, 521, 522, 523, 524, 544)


def no_answer(function: str, what: str, table: Table | None) -> DatabaseUnavailableError:
    return DatabaseUnavailableError(
        f"The database did not answer: {what}",
        operation=function,
        key=table.qualified_name if table else None,
        hint="Is the project paused? Its dashboard tells; otherwise try again later.",
    )


def raise_for_gateway(response: httpx.Response) -> None:
    """Raises HTTPStatusError where not PostgREST answered, whose errors all have a code."""
    if response.status_code not in _UNAVAILABLE_STATUSES:
        return
    try:
        body = json.loads(response.read())
    except ValueError:
        body = None
    if not isinstance(body, dict) or not body.get("code"):
        response.raise_for_status()


def raise_mapped(exc: APIError, table: Table | None, *, writing: bool) -> NoReturn:
    """The one place where PostgREST's and Postgres's errors become ours, by their codes."""
    code = str(exc.code or "")
    sql_class = code[:2] if len(code) == _SQLSTATE_LENGTH else ""
    said = exc.message or "no message"
    name = table.qualified_name if table else None
    if code == "PGRST202":
        raise functions_missing("are not installed") from exc
    if code == "42501":
        raise _permission(table, writing=writing) from exc
    if code in ("42P01", "PGRST205", "3F000"):
        raise ExportError(
            f"Table {name} does not exist",
            operation="query",
            key=name,
            hint="It was dropped just now.",
        ) from exc
    if writing and sql_class in _VIOLATION_CLASSES:
        detail = f" ({exc.details})" if exc.details else ""
        raise ConstraintViolationError(f"{said}{detail}", operation="restore", key=name) from exc
    if sql_class in _UNAVAILABLE_CLASSES or code in _UNAVAILABLE_CODES:
        raise DatabaseUnavailableError(
            f"The database could not answer: {said}", operation="query", key=name
        ) from exc
    if code in ("", "401", "PGRST301", "PGRST303"):
        raise _wrong_key(said) from exc
    raise DatabaseError(
        f"The database refused: {said} ({code})", operation="query", key=name
    ) from exc


def _permission(table: Table | None, *, writing: bool) -> DatabasePermissionError:
    if table is not None:
        return permission_denied(table.schema_name, table.name, writing=writing)
    return DatabasePermissionError(
        "Permission denied",
        operation="read catalog",
        hint="SUPABASE_SERVICE_ROLE_KEY must be the secret key (sb_secret_…) or the service_role "
        "JWT, not the publishable or anon key.",
    )


def _wrong_key(said: str) -> DatabasePermissionError:
    return DatabasePermissionError(
        f"Permission denied: {said}",
        operation="read catalog",
        hint="Check SUPABASE_SERVICE_ROLE_KEY: dashboard, Project Settings, API keys, secret key.",
    )


def functions_missing(what: str) -> FunctionsMissingError:
    return FunctionsMissingError(
        f"Supakeep's functions {what} in this database",
        operation="read catalog",
        hint=f"Run the migration {MIGRATION} (supabase db push, or the SQL editor).",
    )
