"""What the functions of the `rest` engine cost on a table that is much larger than its window."""

from __future__ import annotations

import datetime as dt
import json
import time
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from devstack.supabase.lite import STATEMENT_SECONDS
from supakeep.domain.schema import Table
from tests.builders.tables import a_selection
from tests.contract.exporting import exported
from tests.contract.workbench import SupabaseWorkbench

pytestmark = pytest.mark.integration

ROWS, WINDOW = 300_000, 6_000
KEYS = {"serial": "n", "random": "md5(n::text)::uuid"}
WINDOWS: dict[str, dict[str, Any]] = {
    "last_rows": {"order_by": "at", "last_rows": WINDOW},
    "last_days": {"since_column": "at", "since": "2026-07-24T03:00:30+00:00"},
}


@pytest.fixture(params=KEYS)
def large(supabase: SupabaseWorkbench, request: pytest.FixtureRequest) -> Table:
    """A row a minute since the beginning of 2026; every hundredth has no time."""
    key = KEYS[request.param]
    type_ = "bigint" if key == "n" else "uuid"
    return supabase.made(
        f"create table {{schema}}.t (id {type_} primary key, at timestamptz, note text);"
        f"insert into {{schema}}.t select {key},"
        " case when n % 100 > 0 then '2026-01-01 00:00+00'::timestamptz + n * '1 minute'::interval end,"
        f" repeat('x', 100) from generate_series(1, {ROWS}) n;"
        "create index on {schema}.t (at); analyze {schema}.t"
    )


def asked(table: Table, **window: object) -> dict[str, Any]:
    named = {"schema": table.schema_name, "table": table.name, "key": table.primary_key}
    return {**named, "limit": 10_000, **window}


def answer(owner: psycopg.Connection, function: str, request: dict[str, Any]) -> dict[str, Any]:
    found = owner.execute(f"select public.supakeep_{function}(%s)".encode(), [json.dumps(request)])
    [fields] = found.fetchone() or [{}]
    return dict(fields)


def rows_read(owner: psycopg.Connection, query: str, *parameters: int) -> int:
    """The rows that a query's scans look at, those that they leave out among them."""
    for number, value in enumerate(parameters, 1):
        query = query.replace(f"${number}", str(value))
    explained = owner.execute(f"explain (analyze, timing off, format json) {query}".encode())
    plan: Any
    [[plan]] = explained.fetchone() or [[{}]]
    return int(sum(_read_by(scan) for scan in _scans(plan["Plan"])))


def _scans(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if "Relation Name" in plan:
        yield plan
    for below in plan.get("Plans", []):
        yield from _scans(below)


def _read_by(scan: dict[str, Any]) -> float:
    left_out = ("Rows Removed by Filter", "Rows Removed by Index Recheck")
    rows = scan["Actual Rows"] + sum(scan.get(name, 0) for name in left_out)
    return float(rows * scan["Actual Loops"])


def built(owner: psycopg.Connection, helper: str, request: dict[str, Any], *more: str) -> str:
    """The query that a helper makes of a request."""
    arguments = ", ".join(["%s"] * (1 + len(more)))
    found = owner.execute(
        f"select supakeep.{helper}({arguments})".encode(), [json.dumps(request), *more]
    )
    [query] = found.fetchone() or [""]
    return str(query)


def test_the_window_of_the_last_rows_is_found_by_an_ordinary_index(
    supabase: SupabaseWorkbench, large: Table
) -> None:
    query = built(supabase.owner, "bound_query", asked(large, order_by="at"), "is not null")

    assert rows_read(supabase.owner, query, WINDOW) <= 1.1 * WINDOW


@pytest.mark.parametrize("window", WINDOWS)
def test_pages_of_a_window_pass_over_nothing_that_it_leaves_out(
    supabase: SupabaseWorkbench, large: Table, window: str
) -> None:
    request = asked(large, **WINDOWS[window])
    settled = answer(supabase.owner, "window", {**request, "slice_rows": 2000})
    cuts = settled["cuts"]
    request = {**request, "bound": settled["bound"]}

    slices = [
        built(supabase.owner, "page_query", {**request, "from": first, "until": until})
        for first, until in zip(cuts, [*cuts[1:], None], strict=True)
    ]

    assert len(slices) == 3
    assert max(rows_read(supabase.owner, query) for query in slices) <= 1.1 * WINDOW
    cutting = built(supabase.owner, "cuts_query", request)
    assert rows_read(supabase.owner, cutting, 2000) <= 1.1 * WINDOW


def test_a_large_table_gives_exactly_its_window(supabase: SupabaseWorkbench, large: Table) -> None:
    query = 'select id::text from "{}".t order by at desc nulls last, id desc limit {}'
    expected = {
        id_ for (id_,) in supabase.owner.execute(query.format(supabase.schema, WINDOW).encode())
    }

    found = exported(supabase, a_selection(large, last_rows=WINDOW, order_by="at"))

    keys = [row["id"] for row in found]
    assert keys == sorted(keys)
    assert {str(key) for key in keys} == expected


@pytest.mark.hostile
@pytest.mark.timeout(600)
@pytest.mark.parametrize("key", KEYS.values())
def test_a_window_of_millions_of_rows_is_read_within_the_seconds_of_a_request(
    supabase: SupabaseWorkbench, key: str
) -> None:
    """The short form of this is the plans above."""
    type_ = "bigint" if key == "n" else "uuid"
    table = supabase.made(
        f"create table {{schema}}.t (id {type_} primary key, at timestamptz, note text);"
        f"insert into {{schema}}.t select {key}, '2020-01-01'::timestamptz + n * '1 minute'::interval,"
        " repeat('x', 100) from generate_series(1, 3000000) n;"
        "create index on {schema}.t (at); analyze {schema}.t"
    )
    since = dt.datetime(2020, 1, 1, tzinfo=dt.UTC) + dt.timedelta(minutes=3_000_000, days=-30)
    selections = {
        10_000: a_selection(table, last_rows=10_000, order_by="at"),
        43_201: a_selection(table, last_days=30, time_column="at", since=since),
    }

    for rows, selection in selections.items():
        began = time.monotonic()
        assert len(exported(supabase, selection)) == rows
        assert supabase.database.count_untouched(selection) == rows
        assert time.monotonic() - began < STATEMENT_SECONDS
