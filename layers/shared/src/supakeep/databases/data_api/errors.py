"""What the Data API answers in place of rows, as this package's errors."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any, NoReturn

import httpx
from postgrest.exceptions import APIError

from supakeep.databases.reported import Report
from supakeep.domain.objections import permission_denied
from supakeep.domain.schema import Table
from supakeep.errors import (
    ConstraintViolationError,
    DatabaseError,
    DatabasePermissionError,
    DatabaseUnavailableError,
    ExportError,
    FunctionsMissingError,
    StatementTimeoutError,
    StatementTooLargeError,
)
from supakeep.no_answer import no_answer_of
from supakeep.retries import requested_pause
from supakeep.supabase_gateway import RESTRICTED_STATUSES

MIGRATION = "supabase/migrations/20261125120000_supakeep.sql"

# SQLSTATE classes (PostgreSQL's manual, appendix A) and PostgREST's own codes
_SQLSTATE_LENGTH = 5
_VIOLATION_CLASSES = ("22", "23")
_UNAVAILABLE_CLASSES = ("08", "40", "53", "57", "58", "XX")
# 55P03: a lock was not to be had in time; the rest of class 55 does not pass by waiting
_UNAVAILABLE_CODES = ("55P03", "PGRST000", "PGRST001", "PGRST002", "PGRST003")
_TIMEOUT_CODE = "57014"
_TOO_LARGE_CLASS = "54"
_OUT_OF_MEMORY = "53200"
_KEY_CODES = ("401", "PGRST301", "PGRST303")
_MISSING_TABLE_CODES = ("42P01", "PGRST205", "3F000")

# where a gateway answers in PostgREST's place, the HTTP status is all there is
_UNAVAILABLE_STATUSES = frozenset((429, 500, 502, 503, 504, 520, 521, 522, 523, 524, 544))
# The gateway waited for the answer as long as it waits for any. One that answers so at once did not
# reach the database, which is an outage.
_TIMEOUT_STATUSES = frozenset((504, 524))
_PATIENT_SECONDS = 20

_LATER = "Check in the Supabase dashboard whether the project is paused or restarting. Otherwise try again later."
_REFUSED_HINT = (
    "Supabase's dashboard has the request under Logs, API, and the statement under Logs, Postgres. "
    "`supakeep check` looks whether the project is set up."
)
_TOO_LARGE_HINT = "One row is too large for the Data API. Give Supakeep the database's own address (SUPABASE_DB_URL)."


def no_answer(function: str, what: str, table: Table | None) -> DatabaseUnavailableError:
    """The error for an answer that did not come, or that is not the database's."""
    return _no_answer(DatabaseUnavailableError, function, what, table=table)


def transport_error(
    function: str, exc: httpx.HTTPError, table: Table | None
) -> DatabaseUnavailableError:
    """The error for a request that failed below HTTP: the database may still be at work on it."""
    kind = StatementTimeoutError if isinstance(exc, httpx.ReadTimeout) else DatabaseUnavailableError
    return _no_answer(kind, function, *no_answer_of(exc), table=table)


def gateway_error(
    function: str, response: httpx.Response, table: Table | None, *, waited_seconds: float
) -> DatabaseError:
    """The error for an answer that Supabase's gateway gave in PostgREST's place."""
    status = response.status_code
    if status in RESTRICTED_STATUSES:
        message, hint = RESTRICTED_STATUSES[status]
        return DatabaseError(f"{message} (HTTP {status})", operation=function, hint=hint)
    name = table.qualified_name if table else None
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return _wrong_key(_words_of(response))
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return _too_large(f"HTTP {status}", name)
    if status not in _UNAVAILABLE_STATUSES:
        return DatabaseError(
            f"Supabase's gateway refused: HTTP {status}",
            operation=function,
            key=name,
            hint="Check NEXT_PUBLIC_SUPABASE_URL; `supakeep check` looks whether the project is set up.",
        )
    timed_out = status in _TIMEOUT_STATUSES and waited_seconds >= _PATIENT_SECONDS
    kind = StatementTimeoutError if timed_out else DatabaseUnavailableError
    error = _no_answer(kind, function, f"HTTP {status}", table=table)
    error.retry_after_seconds = requested_pause(response.headers.get("retry-after"))
    return error


def _no_answer(
    kind: type[DatabaseUnavailableError],
    function: str,
    what: str,
    fix: str | None = None,
    *,
    table: Table | None,
) -> DatabaseUnavailableError:
    return kind(
        f"The database did not answer: {what}",
        operation=function,
        key=table.qualified_name if table else None,
        hint=fix or _LATER,
    )


def raise_for_gateway(response: httpx.Response) -> None:
    """Raises HTTPStatusError where PostgREST did not answer, whose errors all have a code, and where
    the answer says when to come back.
    """
    # who gives a client of his own may use it for Storage too
    if not response.is_error or "/rest/v1/" not in response.request.url.path:
        return
    asks_to_wait = (
        response.status_code in _UNAVAILABLE_STATUSES and "retry-after" in response.headers
    )
    if asks_to_wait or not _fields_of(response).get("code"):
        response.raise_for_status()


def _words_of(response: httpx.Response) -> str:
    """What the gateway says, where it says it as JSON."""
    return str(_fields_of(response).get("message") or f"HTTP {response.status_code}")


def _fields_of(response: httpx.Response) -> dict[str, Any]:
    try:
        body = json.loads(response.read())
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def raise_mapped(exc: APIError, table: Table | None, *, writing: bool) -> NoReturn:
    """The one place where PostgREST's errors become ours, by their codes. The cause keeps no value of a
    row: tracebacks, which are logged, show it.
    """
    report = Report(str(exc.code or ""), exc.message or "no message", exc.details)
    exc.args = (report.without_values,)
    raise _mapped(report, table, writing=writing) from exc


def _mapped(report: Report, table: Table | None, *, writing: bool) -> DatabaseError:
    code, said = report.code, without_values(report)
    name = table.qualified_name if table else None
    if code == "PGRST202":
        return functions_missing("are not installed")
    if code == "42501":
        return _permission(table, writing=writing)
    if code in _KEY_CODES:
        return _wrong_key(said)
    if code in _MISSING_TABLE_CODES:
        return ExportError(
            f"Table {name} does not exist",
            operation="query",
            key=name,
            hint="It was dropped or renamed after this run began.",
        )
    if writing and sql_class(code) in _VIOLATION_CLASSES:
        return ConstraintViolationError(
            report.without_values,
            operation="restore",
            key=name,
            hint=_REFUSED_HINT,
            in_full=report.in_full,
        )
    return passing_error(code, said, name) or DatabaseError(
        f"The database refused: {said} ({code})", operation="query", key=name, hint=_REFUSED_HINT
    )


def without_values(report: Report) -> str:
    """What the database says, without the details and the values."""
    return report._replace(detail=None).without_values


def sql_class(code: str) -> str:
    """The class of an SQLSTATE; empty for PostgREST's own codes."""
    return code[:2] if len(code) == _SQLSTATE_LENGTH else ""


def passing_error(code: str, said: str, name: str | None) -> DatabaseError | None:
    """The error for a statement that may pass later, or with fewer rows; None for all others."""
    if code == _TIMEOUT_CODE:
        return StatementTimeoutError(
            f"The database cancelled the statement: {said}",
            operation="query",
            key=name,
            hint="Try again when the database has less to do. Supabase's dashboard shows its load under "
            "Reports, Database.",
        )
    if code == _OUT_OF_MEMORY or sql_class(code) == _TOO_LARGE_CLASS:
        return _too_large(said, name)
    if sql_class(code) in _UNAVAILABLE_CLASSES or code in _UNAVAILABLE_CODES:
        return DatabaseUnavailableError(
            f"The database could not answer: {said}", operation="query", key=name, hint=_LATER
        )
    return None


def _too_large(said: str, name: str | None) -> StatementTooLargeError:
    return StatementTooLargeError(
        f"The statement is too large for the database: {said}",
        operation="query",
        key=name,
        hint="One row is too large for the Data API. Give Supakeep the database's own address "
        "(SUPABASE_DB_URL).",
    )


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
    """The error for a database in which the migration has not run; `what` completes its sentence."""
    return FunctionsMissingError(
        f"Supakeep's functions {what} in this database",
        operation="read catalog",
        hint=f"Run the migration {MIGRATION} in the SQL editor (`supakeep migration` prints it), or: "
        "supakeep migration --write && supabase db push",
    )
