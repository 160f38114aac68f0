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
from threading import Event
from types import MappingProxyType
from typing import Any, NamedTuple, Self

import httpx
from postgrest import SyncPostgrestClient
from postgrest.exceptions import APIError

from supakeep.databases.data_api.errors import (
    functions_missing,
    gateway_error,
    no_answer,
    raise_for_gateway,
    raise_mapped,
    transport_error,
)
from supakeep.databases.data_api.restore import BatchTransaction, UpsertCounts
from supakeep.domain.engine import REST
from supakeep.domain.plan import Selection
from supakeep.domain.schema import Catalog, Column, Table, quoted_identifier
from supakeep.errors import (
    DatabasePermissionError,
    DatabaseUnavailableError,
    StatementTooLargeError,
)
from supakeep.ports import Rows
from supakeep.retries import retrying
from supakeep.supabase_keys import key_headers

FUNCTIONS_VERSION = 2

_FIRST_PAGE_ROWS = 1000
_MAX_PAGE_ROWS = 10_000
_PAGE_BYTES = 3 * 1024 * 1024
_TIMEOUT = httpx.Timeout(90.0, connect=10.0)
_ATTEMPTS = 4
# after so long no further attempt is begun: a table that hangs must leave time for the others
_CALL_SECONDS = 60
_PAGE_SECONDS = 120


class _Page(NamedTuple):
    """Rows, and where the next page begins, as the database function told it."""

    rows: Rows
    after: Any


class _Client(httpx.Client):
    """A client whose answers are gone when nobody uses them any more.

    httpx's refer to themselves by their stream, and would keep a page of rows with them until the
    garbage collection.
    """

    def send(self, request: httpx.Request, **options: Any) -> httpx.Response:
        response = super().send(request, **options)
        if response.is_closed:
            response.stream = httpx.ByteStream(b"")
        return response


class SupabaseRestDatabase:
    """SourceDatabase and TargetDatabase of one project.

    `url` is the project's (`https://<ref>.supabase.co`), `key` its secret key or service_role JWT.
    """

    engine = REST

    def __init__(
        self, url: str, key: str, *, client: httpx.Client | None = None, retry_seconds: float = 0.5
    ) -> None:
        client = client or _Client(timeout=_TIMEOUT, follow_redirects=False)
        client.event_hooks["response"].append(raise_for_gateway)
        self._api = SyncPostgrestClient(
            f"{url.rstrip('/')}/rest/v1",
            headers=key_headers(key),
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
            raise functions_missing("are of another version")
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
        ahead, abandoned = ThreadPoolExecutor(1, "supakeep-page"), Event()
        try:
            page = self._page(request, _FIRST_PAGE_ROWS, selection.table, abandoned)
            while page.rows.count:
                request = {**request, "after": page.after}
                # on its way while the caller works on this one
                limit = _next_limit(page.rows)
                coming = ahead.submit(self._page, request, limit, selection.table, abandoned)
                yield page.rows
                page = coming.result()
        finally:
            # who gives up does not wait for a page that nobody wants
            abandoned.set()
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

    def _page(
        self, request: Mapping[str, Any], limit: int, table: Table, abandoned: Event
    ) -> _Page:
        """One page; a page that the server cannot make in time is asked for in smaller ones, as long
        as that leaves time for the other tables.
        """
        give_up_at = time.monotonic() + _PAGE_SECONDS
        while True:
            asked = {**request, "limit": limit, "max_bytes": _PAGE_BYTES}
            try:
                answer = self._call("supakeep_page", asked, table, abandoned=abandoned)
                # as bytes, which take half the memory or a quarter
                return _Page(Rows(answer["rows"].encode(), answer["count"]), answer["after"])
            except (DatabaseUnavailableError, StatementTooLargeError):
                if limit == 1 or time.monotonic() > give_up_at or abandoned.is_set():
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
        abandoned: Event | None = None,
    ) -> Any:
        arguments = {} if request is None else {"request": json.dumps(request)}
        repeat = retrying(
            attempts=_ATTEMPTS,
            first_pause_seconds=self._retry_seconds,
            give_up_after_seconds=_CALL_SECONDS,
            abandoned=abandoned,
        )
        # handed past the retrying, which refers to itself and would keep a page of rows with it
        # until the garbage collection
        answers: list[Any] = []
        repeat(lambda: answers.append(self._call_once(function, arguments, table, writing=writing)))
        answer = answers.pop()
        if not isinstance(answer, dict) and not (may_be_null and answer is None):
            raise no_answer(function, "something else than its function", table)
        return answer

    def _call_once(
        self, function: str, arguments: dict[str, str], table: Table | None, *, writing: bool
    ) -> Any:
        try:
            return self._api.rpc(function, arguments).execute().data
        except APIError as exc:
            raise_mapped(exc, table, writing=writing)
        except httpx.HTTPStatusError as exc:
            raise gateway_error(function, exc.response, table) from exc
        except httpx.HTTPError as exc:
            raise transport_error(function, exc, table) from exc
        except ValueError as exc:
            # an answer of 200 that is not JSON, such as a proxy's page
            raise no_answer(function, type(exc).__name__, table) from exc


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
