"""A Supabase database through its Data API: the `rest` engine.

Calls the functions of `supabase/migrations/20250129_backup_functions.sql`, which hand rows over as
text; see docs/adr/0001-rest-engine-calls-database-functions.md for why not the table endpoints.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any, Literal, NoReturn, Self

import httpx
from postgrest import SyncPostgrestClient
from postgrest.exceptions import APIError
from tenacity import Retrying, retry_if_exception, stop_after_attempt, stop_after_delay
from tenacity.wait import wait_exponential_jitter

from supakeep.adapters.batch_transaction import BatchTransaction, UpsertCounts
from supakeep.adapters.retrying import is_worth_retrying
from supakeep.domain.plan import Selection, permission_denied
from supakeep.domain.schema import Catalog, Column, Table, quoted_identifier
from supakeep.errors import (
    ConstraintViolationError,
    DatabaseError,
    DatabasePermissionError,
    DatabaseUnavailableError,
    ExportError,
    FunctionsMissingError,
)
from supakeep.ports import Rows

FUNCTIONS_VERSION = 2
MIGRATION = "supabase/migrations/20250129_backup_functions.sql"

_FIRST_PAGE_ROWS = 1000
_MAX_PAGE_ROWS = 10_000
_PAGE_BYTES = 2 * 1024 * 1024
_TIMEOUT = httpx.Timeout(90.0, connect=10.0)
_ATTEMPTS = 4
# after so long no further attempt is begun: a table that hangs must leave time for the others
_CALL_SECONDS = 60
_PAGE_SECONDS = 120

# SQLSTATE classes (PostgreSQL's manual, appendix A) and PostgREST's own codes
_SQLSTATE_LENGTH = 5
_VIOLATION_CLASSES = ("22", "23")
_UNAVAILABLE_CLASSES = ("08", "40", "53", "57", "58", "XX")
# 55P03: a lock was not to be had in time; the rest of class 55 does not pass by waiting
_UNAVAILABLE_CODES = ("55P03", "PGRST000", "PGRST001", "PGRST002", "PGRST003")
# where a gateway answers in PostgREST's place, the HTTP status is all there is
_UNAVAILABLE_STATUSES = (429, 500, 502, 503, 504, 520, 521, 522, 523, 524, 544)


class SupabaseRestDatabase:
    """SourceDatabase and TargetDatabase of one project.

    `url` is the project's (`https://<ref>.supabase.co`), `key` its secret key or service_role JWT.
    """

    engine: Literal["rest", "postgres"] = "rest"
    consistency: Literal["snapshot", "per-table"] = "per-table"
    needs_key = True

    def __init__(
        self, url: str, key: str, *, client: httpx.Client | None = None, retry_seconds: float = 0.5
    ) -> None:
        client = client or httpx.Client(timeout=_TIMEOUT, follow_redirects=False)
        client.event_hooks["response"].append(_raise_for_gateway)
        self._api = SyncPostgrestClient(
            f"{url.rstrip('/')}/rest/v1",
            headers={"apikey": key, "Authorization": f"Bearer {key}"},
            http_client=client,
        )
        self._retry_seconds = retry_seconds

    @property
    def wal_position(self) -> str | None:
        """Unknown: each page is a transaction of its own."""
        return None

    def left_out(self, schemas: Sequence[str]) -> Mapping[str, str]:  # noqa: ARG002
        """Unknown: the catalog function tells of tables alone."""
        return {}

    @contextmanager
    def snapshot(self) -> Iterator[Self]:
        """This database itself: the Data API knows no snapshot over several requests."""
        yield self

    def catalog(self) -> Catalog:
        answer = self._call("supakeep_catalog", None)
        if answer["functions_version"] != FUNCTIONS_VERSION:
            raise _functions_missing("are of another version")
        tables = [_table(fields) for fields in answer["tables"]]
        return Catalog(
            server_version=answer["server_version"],
            tables=MappingProxyType({table.qualified_name: table for table in tables}),
        )

    def export(self, selection: Selection) -> Iterator[Rows]:
        request = {**_window(selection), "key": selection.table.primary_key}
        if selection.policy.last_rows is not None:
            request["order_by"] = selection.policy.order_by
            request["bound"] = self._bound(request, selection)
        ahead = ThreadPoolExecutor(1, "supakeep-page")
        try:
            page = self._page(request, _FIRST_PAGE_ROWS, selection.table)
            while page["count"]:
                rows = Rows(page["rows"].encode(), page["count"])
                request = {**request, "after": page["after"]}
                # on its way while the caller works on this one
                coming = ahead.submit(self._page, request, _next_limit(rows), selection.table)
                yield rows
                page = coming.result()
        finally:
            # who gives up does not wait for a page that nobody wants
            ahead.shutdown(wait=False, cancel_futures=True)

    def _bound(self, request: Mapping[str, Any], selection: Selection) -> Any:
        """Where the last N rows begin; null where all rows are among them."""
        asked = {**request, "last_rows": selection.policy.last_rows}
        return self._call("supakeep_bound", asked, selection.table, may_be_null=True)

    def count(self, selection: Selection) -> int:
        return self._count(_window(selection), selection.table)

    def count_table(self, table: Table) -> int:
        return self._count(_named(table), table)

    @contextmanager
    def transaction(self, *, dry_run: bool) -> Iterator[BatchTransaction]:
        """Not atomic: the Data API commits each request."""
        yield BatchTransaction(self, dry_run=dry_run)

    def upsert(
        self, table: Table, columns: Sequence[str], rows: Sequence[bytes], *, dry_run: bool
    ) -> UpsertCounts:
        """Writes all of the rows or none.

        Raises ConstraintViolationError where the database will not hold one of them.
        """
        request = {
            **_named(table),
            "key": table.primary_key,
            "columns": columns,
            # the rows stay text all the way to Postgres: no number in them is read on the way
            "rows": (b"[" + b",".join(rows) + b"]").decode(),
            "dry_run": dry_run,
        }
        answer = self._call("supakeep_upsert", request, table, writing=True)
        return UpsertCounts(answer["inserted"], answer["updated"], answer["unchanged"])

    def advance_sequences(self, table: Table) -> Sequence[str]:
        try:
            answer = self._call("supakeep_advance_sequences", _named(table), table, writing=True)
        except DatabasePermissionError as exc:
            exc.hint = (
                "Run in the SQL editor: GRANT SELECT, UPDATE ON ALL SEQUENCES IN SCHEMA "
                f"{quoted_identifier(table.schema_name)} TO service_role;"
            )
            raise
        moved: list[str] = answer["advanced"]
        return moved

    def _page(self, request: Mapping[str, Any], limit: int, table: Table) -> Any:
        """One page; a page that the server cannot make in time is asked for in smaller ones, as long
        as that leaves time for the other tables.
        """
        give_up_at = time.monotonic() + _PAGE_SECONDS
        while True:
            asked = {**request, "limit": limit, "max_bytes": _PAGE_BYTES}
            try:
                return self._call("supakeep_page", asked, table)
            except DatabaseUnavailableError:
                if limit == 1 or time.monotonic() > give_up_at:
                    raise
                limit = max(1, limit // 8)

    def _count(self, request: Mapping[str, Any], table: Table) -> int:
        rows: int = self._call("supakeep_count", request, table)["rows"]
        return rows

    def _call(
        self,
        function: str,
        request: Mapping[str, Any] | None,
        table: Table | None = None,
        *,
        writing: bool = False,
        may_be_null: bool = False,
    ) -> Any:
        arguments = {} if request is None else {"request": json.dumps(request)}
        retrying = Retrying(
            stop=stop_after_attempt(_ATTEMPTS) | stop_after_delay(_CALL_SECONDS),
            wait=wait_exponential_jitter(
                multiplier=self._retry_seconds, max=20, jitter=self._retry_seconds
            ),
            retry=retry_if_exception(is_worth_retrying),
            reraise=True,
        )
        answer = retrying(self._call_once, function, arguments, table, writing=writing)
        if not isinstance(answer, dict) and not (may_be_null and answer is None):
            raise _no_answer(function, "something else than its function", table)
        return answer

    def _call_once(
        self, function: str, arguments: dict[str, str], table: Table | None, *, writing: bool
    ) -> Any:
        try:
            return self._api.rpc(function, arguments).execute().data
        except APIError as exc:
            _raise_mapped(exc, table, writing=writing)
        except httpx.HTTPStatusError as exc:
            raise _no_answer(function, f"HTTP {exc.response.status_code}", table) from exc
        except (httpx.HTTPError, ValueError) as exc:
            # ValueError: an answer of 200 that is no JSON, a proxy's page say
            raise _no_answer(function, type(exc).__name__, table) from exc


def _no_answer(function: str, what: str, table: Table | None) -> DatabaseUnavailableError:
    return DatabaseUnavailableError(
        f"The database did not answer: {what}",
        operation=function,
        key=table.qualified_name if table else None,
        hint="Is the project paused? Its dashboard tells; otherwise try again later.",
    )


def _raise_for_gateway(response: httpx.Response) -> None:
    """Raises HTTPStatusError where not PostgREST answered, whose errors all have a code."""
    if response.status_code not in _UNAVAILABLE_STATUSES:
        return
    try:
        body = json.loads(response.read())
    except ValueError:
        body = None
    if not isinstance(body, dict) or not body.get("code"):
        response.raise_for_status()


def _raise_mapped(exc: APIError, table: Table | None, *, writing: bool) -> NoReturn:
    """The one place where PostgREST's and Postgres's errors become ours, by their codes."""
    code = str(exc.code or "")
    sql_class = code[:2] if len(code) == _SQLSTATE_LENGTH else ""
    said = exc.message or "no message"
    name = table.qualified_name if table else None
    if code == "PGRST202":
        raise _functions_missing("are not installed") from exc
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


def _functions_missing(what: str) -> FunctionsMissingError:
    return FunctionsMissingError(
        f"Supakeep's functions {what} in this database",
        operation="read catalog",
        hint=f"Run the migration {MIGRATION} (supabase db push, or the SQL editor).",
    )


def _window(selection: Selection) -> dict[str, Any]:
    window: dict[str, Any] = _named(selection.table)
    if selection.since is not None:
        window["since_column"] = selection.policy.time_column
        window["since"] = selection.since.isoformat()
    return window


def _named(table: Table) -> dict[str, Any]:
    return {"schema": table.schema_name, "table": table.name}


def _next_limit(rows: Rows) -> int:
    """As many rows as fill a page at the width of the last ones, growing fourfold at most."""
    fitting = _PAGE_BYTES * rows.count // max(1, len(rows.lines))
    return max(1, min(_MAX_PAGE_ROWS, 4 * rows.count, fitting))


def _table(fields: Mapping[str, Any]) -> Table:
    return Table(
        schema_name=fields["schema"],
        name=fields["name"],
        columns=tuple(Column.model_validate(column) for column in fields["columns"] or ()),
        primary_key=tuple(fields["primary_key"]),
        references=tuple(fields["references"]),
        readable=fields["readable"],
        rows_hidden=fields["rows_hidden"],
        writable=fields["writable"],
    )
