"""Reads tables through the Data API, page by page in the order of the primary key."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any, NamedTuple

from supakeep.databases.data_api.catalog import read_catalog
from supakeep.databases.data_api.client import DataApiClient, named
from supakeep.domain.plan import Selection
from supakeep.domain.schema import Catalog, Table
from supakeep.errors import DatabaseUnavailableError, StatementTooLargeError
from supakeep.ports import Rows

_FIRST_PAGE_ROWS = 1000
_MAX_PAGE_ROWS = 10_000
_PAGE_BYTES = 3 * 1024 * 1024
_PAGE_SECONDS = 120


class _Page(NamedTuple):
    """Rows, and where the next page begins, as the database function answered it."""

    rows: Rows
    after: Any


class DataApiSnapshot:
    """The project as one backup sees it: each page is a transaction of its own."""

    def __init__(self, client: DataApiClient) -> None:
        self._client = client

    @property
    def wal_position(self) -> str | None:
        """Unknown: there is no one moment."""
        return None

    def left_out(self, schemas: Sequence[str]) -> Mapping[str, str]:  # noqa: ARG002
        """Unknown: the catalog function describes only tables."""
        return {}

    def catalog(self) -> Catalog:
        return read_catalog(self._client)

    def export(self, selection: Selection) -> Iterator[Rows]:
        table = selection.table
        request = {
            **_window(selection),
            "key": table.primary_key,
            "text_columns": table.text_columns,
        }
        if selection.policy.last_rows is not None:
            request["order_by"] = selection.policy.order_by
            request["bound"] = self._bound(request, selection)
        ahead, abandoned = ThreadPoolExecutor(1, "supakeep-page"), Event()
        try:
            page = self._page(request, _FIRST_PAGE_ROWS, table, abandoned)
            while page.rows.count:
                request = {**request, "after": page.after}
                # on its way while the caller works on this one
                limit = _next_limit(page.rows)
                coming = ahead.submit(self._page, request, limit, table, abandoned)
                yield page.rows
                page = coming.result()
        finally:
            # who gives up does not wait for a page that nobody wants
            abandoned.set()
            ahead.shutdown(wait=False, cancel_futures=True)

    def _bound(self, request: Mapping[str, Any], selection: Selection) -> Any:
        """Where the last N rows begin; null where all rows are among them."""
        asked = {**request, "last_rows": selection.policy.last_rows}
        return self._client.call("supakeep_bound", asked, selection.table, may_be_null=True)

    def count(self, selection: Selection) -> int:
        rows: int = self._client.call("supakeep_count", _window(selection), selection.table)["rows"]
        return rows

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
                answer = self._client.call("supakeep_page", asked, table, abandoned=abandoned)
                # as bytes, which take half the memory or a quarter
                return _Page(Rows(answer["rows"].encode(), answer["count"]), answer["after"])
            except (DatabaseUnavailableError, StatementTooLargeError):
                if limit == 1 or time.monotonic() > give_up_at or abandoned.is_set():
                    raise
                limit = max(1, limit // 8)


def _window(selection: Selection) -> dict[str, Any]:
    window: dict[str, Any] = named(selection.table)
    if selection.since is not None:
        window["since_column"] = selection.policy.time_column
        window["since"] = selection.since.isoformat()
    return window


def _next_limit(rows: Rows) -> int:
    """As many rows as fill a page at the width of the last ones, growing fourfold at most."""
    fitting = _PAGE_BYTES * rows.count // max(1, len(rows.lines))
    return max(1, min(_MAX_PAGE_ROWS, 4 * rows.count, fitting))
