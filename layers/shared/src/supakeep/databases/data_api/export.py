"""Reads tables through the Data API, page by page in the order of the primary key."""

from __future__ import annotations

import itertools
from collections.abc import Generator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import cached_property
from threading import Event
from typing import Any

from supakeep.databases.data_api.catalog import catalog_in, described
from supakeep.databases.data_api.client import DataApiClient, named
from supakeep.databases.data_api.pages import Page, PageReader
from supakeep.domain.managed_schemas import is_managed_schema
from supakeep.domain.plan import Selection
from supakeep.domain.project_object import ObjectKind, ProjectObject
from supakeep.domain.schema import Catalog, quoted_identifier
from supakeep.errors import ExportError, StatementTimeoutError
from supakeep.ports import Rows

_SLICE_ROWS = 5000


class DataApiSnapshot:
    """The project as one backup sees it: each page is a transaction of its own."""

    def __init__(self, client: DataApiClient) -> None:
        self._client = client
        # by table, what its export settled: which rows its window holds, and since when
        self._settled: dict[str, dict[str, Any]] = {}
        self._readers: dict[str, PageReader] = {}

    @property
    def wal_position(self) -> str | None:
        """Unknown: there is no one moment."""
        return None

    def left_out(self, schemas: Sequence[str]) -> Mapping[str, str]:
        relations = self._described["left_out"]
        return {one["name"]: one["reason"] for one in relations if one["schema"] in schemas}

    def catalog(self) -> Catalog:
        return catalog_in(self._described)

    @cached_property
    def _described(self) -> dict[str, Any]:
        return described(self._client)

    def definitions(self) -> Generator[bytes, None, None]:
        raise ExportError(
            "The Data API gives no definitions",
            operation="export definitions",
            hint="Set SUPABASE_DB_URL: the engine `postgres` keeps them.",
        )

    def inventory(self) -> Sequence[ProjectObject]:
        """Tables and what looks like one; the Data API shows nothing else."""
        tables = [
            ProjectObject(
                ObjectKind.TABLE,
                f"{table.schema_name}.{table.name}",
                table.schema_name,
                managed=is_managed_schema(table.schema_name),
            )
            for table in self.catalog().tables.values()
        ]
        return [*tables, *map(_object, self._described["left_out"])]

    def export(self, selection: Selection) -> Iterator[Rows]:
        ahead, abandoned = ThreadPoolExecutor(1, "supakeep-page"), Event()
        pages = self._pages(selection, abandoned)
        try:
            page = _next(pages)
            while page is not None:
                # on its way while the caller works on this one
                coming = ahead.submit(copy_context().run, _next, pages)
                yield page.rows
                page = coming.result()
        finally:
            # who gives up does not wait for a page that nobody wants
            abandoned.set()
            ahead.shutdown(wait=False, cancel_futures=True)

    def _pages(self, selection: Selection, abandoned: Event) -> Iterator[Page]:
        table = selection.table
        reader = PageReader(self._client, table, abandoned, selection.policy.unread)
        self._readers[table.qualified_name] = reader
        if selection.policy.is_whole:
            yield from reader.pages({})
            self._settled[table.qualified_name] = {"moment": reader.moment}
            return
        try:
            yield from self._pages_of_window(selection, reader)
        except StatementTimeoutError as exc:
            exc.hint = _index_hint(selection)
            raise

    def _pages_of_window(self, selection: Selection, reader: PageReader) -> Iterator[Page]:
        table, window = selection.table, _window(selection)
        settled = self._settle({**window, "key": table.primary_key}, selection)
        self._settled[table.qualified_name] = {
            "bound": settled["bound"],
            "moment": settled["moment"],
        }
        reader.files = settled["files"]
        for limits in slices(settled["cuts"]):
            yield from reader.pages({**window, "bound": settled["bound"], **limits})

    def _settle(self, request: Mapping[str, Any], selection: Selection) -> dict[str, Any]:
        """Which rows the window holds, cut into slices where the server has the time for that."""
        asked = {**request, "last_rows": selection.policy.last_rows}
        try:
            settled: dict[str, Any] = self._client.call(
                "supakeep_window",
                {**asked, "slice_rows": _SLICE_ROWS},
                selection.table,
                repeat_timeouts=False,
            )
        except StatementTimeoutError:
            settled = self._client.call("supakeep_window", asked, selection.table)
        return settled

    def count(self, selection: Selection) -> int:
        return self._count(selection, {})

    def count_untouched(self, selection: Selection) -> int:
        moment = self._settled.get(selection.table.qualified_name, {}).get("moment")
        return 0 if moment is None else self._count(selection, {"untouched_since": moment})

    def read_at_once(self, selection: Selection) -> bool:
        return self._readers[selection.table.qualified_name].answered <= 1

    def _count(self, selection: Selection, limits: Mapping[str, Any]) -> int:
        """In the window that the export settled, where there is one: an index serves it."""
        table = selection.table
        bound = self._settled.get(table.qualified_name, {}).get("bound")
        request = {**_window(selection), "key": table.primary_key, "bound": bound, **limits}
        rows: int = self._client.call("supakeep_count", request, table)["rows"]
        return rows


def _object(left_out: Mapping[str, Any]) -> ProjectObject:
    """A view or the like, whose kind is in the words of the reason (left_out.sql)."""
    reason, kind = str(left_out["reason"]), ObjectKind.TABLE
    for word in (ObjectKind.MATERIALIZED_VIEW, ObjectKind.FOREIGN_TABLE, ObjectKind.VIEW):
        if reason.startswith(f"a {word}:"):
            kind = word
    # what an extension brings comes back with it
    managed = kind is ObjectKind.TABLE or is_managed_schema(left_out["schema"])
    return ProjectObject(kind, left_out["name"], left_out["schema"], managed=managed)


def _next(pages: Iterator[Page]) -> Page | None:
    return next(pages, None)


def slices(cuts: Sequence[Any] | None) -> Iterator[dict[str, Any]]:
    """The limits of each slice, whose first keys are given; one without limits where none are."""
    if cuts is None:
        yield {}
        return
    for first, next_one in itertools.pairwise([*cuts, None]):
        yield {"from": first, "until": next_one}


def _window(selection: Selection) -> dict[str, Any]:
    window: dict[str, Any] = named(selection.table)
    if selection.since is not None:
        window["since_column"] = selection.policy.time_column
        window["since"] = selection.since.isoformat()
    if selection.policy.order_by is not None:
        window["order_by"] = selection.policy.order_by
    return window


def _index_hint(selection: Selection) -> str:
    table = selection.table
    names = (table.schema_name, table.name, selection.policy.columns[0])
    schema, name, column = map(quoted_identifier, names)
    return (
        "An index on the window's column makes this fast, however large the table is. Run in the SQL "
        f"editor: CREATE INDEX ON {schema}.{name} ({column});"
    )
