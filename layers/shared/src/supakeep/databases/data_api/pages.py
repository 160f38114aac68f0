"""Pages of one table: how many rows the next one is asked for, and what came of it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from threading import Event
from typing import Any, NamedTuple

from supakeep.databases.data_api.client import DataApiClient, named
from supakeep.databases.data_api.errors import functions_missing
from supakeep.domain.schema import Table
from supakeep.errors import (
    DatabaseUnavailableError,
    ExportError,
    StatementTimeoutError,
    StatementTooLargeError,
)
from supakeep.ports import Rows

_FIRST_PAGE_ROWS = 1000
_MAX_PAGE_ROWS = 10_000
_PAGE_BYTES = 3 * 1024 * 1024
_PAGE_SECONDS = 120


class Page(NamedTuple):
    """Rows, and what the database function says beside them."""

    rows: Rows
    after: Any
    is_end: bool


class PageSize:
    """How many rows the next page of a table has; what was too many once is not tried again."""

    def __init__(self) -> None:
        self.rows = _FIRST_PAGE_ROWS
        self._most = _MAX_PAGE_ROWS

    def passed(self, rows: Rows) -> None:
        """As many as fill a page at the width of the last ones, growing fourfold at most."""
        fitting = _PAGE_BYTES * rows.count // max(1, len(rows.lines))
        self.rows = max(1, min(self._most, 4 * rows.count, fitting))

    def failed(self) -> None:
        self._most = self.rows = max(1, self.rows // 8)


class PageReader:
    """Reads pages of `table` until `abandoned` is set.

    `moment` is that of the first page, `files` are where the rows stood then, or before: a table that
    has others later was emptied or rewritten. `answered` is how many pages there were, empty ones too.
    """

    def __init__(
        self,
        client: DataApiClient,
        table: Table,
        abandoned: Event,
        excluded: Sequence[str] = (),
    ) -> None:
        self._client = client
        self._table = table
        self._abandoned = abandoned
        self._size = PageSize()
        self._excluded = sorted(excluded)
        self._columns = [[column.name, column.type] for column in table.columns]
        self.moment: str | None = None
        self.files: Mapping[str, int | None] | None = None
        self.answered = 0
        self._request = {
            **named(table),
            "key": table.primary_key,
            "max_bytes": _PAGE_BYTES,
            "text_columns": table.text_columns,
            "array_columns": table.array_columns,
            "json_columns": table.json_columns,
            "jsonb_columns": table.jsonb_columns,
            **({"exclude_columns": self._excluded} if excluded else {}),
        }

    def pages(self, limits: Mapping[str, Any]) -> Iterator[Page]:
        """The pages within limits of the key's order and of a window; none is empty."""
        request = {**self._request, **limits}
        is_end = False
        while not is_end:
            page = self._page(request)
            if page.rows.count:
                yield page
            request, is_end = {**request, "after": page.after}, page.is_end

    def _page(self, request: Mapping[str, Any]) -> Page:
        """One page; a page that the server cannot make is asked for in smaller ones, as long as that
        leaves time for the other tables.
        """
        give_up_at = time.monotonic() + _PAGE_SECONDS
        while True:
            try:
                page = self._asked(request)
            except (DatabaseUnavailableError, StatementTooLargeError) as exc:
                if self._size.rows == 1:
                    raise _of_a_single_row(self._table, exc) from exc
                if time.monotonic() > give_up_at or self._abandoned.is_set():
                    raise
                self._size.failed()
            else:
                self._size.passed(page.rows)
                return page

    def _asked(self, request: Mapping[str, Any]) -> Page:
        answer = self._client.call(
            "supakeep_page",
            {**request, "limit": self._size.rows},
            self._table,
            repeat_timeouts=False,
            abandoned=self._abandoned,
        )
        if self._excluded and answer.get("excluded") != self._excluded:
            raise functions_missing("that leave columns out (exclude_columns, mask) are missing")
        if [c for c in answer["columns"] if c[0] not in self._excluded] != self._columns:
            raise _changed_columns(self._table)
        self._require_same_files(answer["files"])
        # as bytes, which take half the memory or a quarter
        rows = Rows(answer["rows"].encode(), answer["count"])
        self.moment = self.moment or answer["moment"]
        self.answered += 1
        return Page(rows, answer["after"], answer["end"])

    def _require_same_files(self, files: Mapping[str, int | None]) -> None:
        """A partition may be added meanwhile."""
        if self.files is None:
            self.files = files
        if not self.files.items() <= files.items():
            raise _emptied(self._table)


def _of_a_single_row(
    table: Table, error: DatabaseUnavailableError | StatementTooLargeError
) -> DatabaseUnavailableError | StatementTooLargeError:
    """The error, in words that fit where no smaller page can be asked for."""
    if isinstance(error, StatementTimeoutError):
        what = "takes longer than the database allows"
    elif isinstance(error, StatementTooLargeError):
        what = "takes more memory than the database allows"
    else:
        return error
    name = table.qualified_name
    return type(error)(
        f"Reading a single row of {name} {what}: {error.message}",
        operation="export",
        key=name,
        hint="Set SUPABASE_DB_URL: the postgres engine reads without the Data API's limits.",
    )


def _changed_columns(table: Table) -> ExportError:
    """A restore would take the values that some rows lack for nulls."""
    name = table.qualified_name
    return ExportError(
        f"The columns of {name} changed while it was backed up",
        operation="export",
        key=name,
        hint="Back up again.",
    )


def _emptied(table: Table) -> ExportError:
    """The rows that no page had yet were never seen."""
    name = table.qualified_name
    return ExportError(
        f"{name} was emptied or rewritten while it was backed up",
        operation="export",
        key=name,
        hint="TRUNCATE, VACUUM FULL or CLUSTER ran, a type changed, or a partition was dropped or "
        "detached. Back up again at another time.",
    )
