"""Pages follow the order of a key's own types, whatever these are and however many domains lie over them."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.builders.examples import examples
from tests.builders.tables import a_selection
from tests.contract.caseless import CASELESS
from tests.contract.exporting import exported, ids
from tests.contract.workbench import SupabaseWorkbench

pytestmark = pytest.mark.integration

LETTERS = st.text(st.sampled_from("aAbBzZ eEéÉ-_'\"\\%1"), max_size=6)
# values as their types read them
VALUES: dict[str, st.SearchStrategy[str]] = {
    "bigint": st.integers(-(2**63), 2**63 - 1).map(str),
    "boolean": st.sampled_from(["true", "false"]),
    "numeric": st.decimals(allow_nan=False).map(str) | st.sampled_from(["NaN", "1.0", "1.00"]),
    "double precision": st.floats(width=64).map(repr),
    "text": LETTERS | st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=8),
    "char(6)": LETTERS,
    "uuid": st.uuids().map(str),
    "bytea": st.binary(max_size=6).map(lambda value: "\\x" + value.hex()),
    "date": st.dates().map(str) | st.sampled_from(["infinity", "-infinity", "0044-03-15 BC"]),
    "timestamptz": st.datetimes().map(str) | st.just("infinity"),
    "interval": st.integers(-1000, 1000).map(lambda n: f"{n} hours {n} days"),
    "int[]": st.lists(st.integers(-5, 5), max_size=3).map(lambda n: f"{{{','.join(map(str, n))}}}"),
    "inet": st.ip_addresses().map(str),
    "mood": st.sampled_from(["sad", "ok", "happy"]),
    "caseless": LETTERS,
    "bytewise": LETTERS,
}  # fmt: skip
OWN_TYPES = ("mood", "caseless")
BYTEWISE = 'text collate "C"'
DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class Case:
    """A table's key: its types, each under so many domains; rows; how many a page has."""

    types: tuple[str, ...]
    depths: tuple[int, ...]
    rows: list[tuple[str, ...]]
    limit: int


@st.composite
def cases(draw: st.DrawFn) -> Case:
    types = tuple(draw(st.lists(st.sampled_from(sorted(VALUES)), min_size=1, max_size=3)))
    depths = tuple(draw(st.integers(0, 3)) for _ in types)
    rows = draw(st.lists(st.tuples(*(VALUES[type_] for type_ in types)), min_size=1, max_size=25))
    return Case(types, depths, rows, draw(st.integers(1, 7)))


@pytest.fixture
def bench(supabase: SupabaseWorkbench, superuser: psycopg.Connection) -> SupabaseWorkbench:
    supabase.execute(CASELESS, connection=superuser)
    supabase.execute("create type {schema}.mood as enum ('sad', 'ok', 'happy')")
    for type_ in VALUES:
        below = f"{{schema}}.{type_}" if type_ in OWN_TYPES else spelled(supabase, type_, 0)
        for depth in (1, 2, 3):
            name = f"{type_} {depth}"
            supabase.execute(f"create domain {{schema}}.{{name}} as {below}", name=name)
            below = f'{{schema}}."{name}"'
    return supabase


def spelled(bench: SupabaseWorkbench, type_: str, depth: int) -> str:
    if depth:
        return f'"{bench.schema}"."{type_} {depth}"'
    if type_ == "bytewise":
        return BYTEWISE
    return f'"{bench.schema}".{type_}' if type_ in OWN_TYPES else type_


def made(bench: SupabaseWorkbench, case: Case) -> tuple[str, list[str]]:
    """A new table's name and the columns of its key."""
    name, key = f"t_{uuid4().hex[:12]}", [f"k{n}" for n in range(len(case.types))]
    types = [spelled(bench, *typed) for typed in zip(case.types, case.depths, strict=True)]
    columns = ", ".join(f"{column} {type_}" for column, type_ in zip(key, types, strict=True))
    table = f'"{bench.schema}".{name}'
    bench.owner.execute(
        f"create table {table} ({columns}, primary key ({', '.join(key)}))".encode()
    )
    casts = ", ".join(f"%s::{type_}" for type_ in types).replace("%s::char(6)", "%s::text::char(6)")
    insert = f"insert into {table} values ({casts}) on conflict do nothing"
    with bench.owner.cursor() as cursor:
        cursor.executemany(insert.encode(), case.rows)
    return name, key


def paged(bench: SupabaseWorkbench, table: str, key: list[str], limit: int) -> Iterator[Any]:
    """The last key of each page and its rows, until the function says that there are no more."""
    named = {"schema": bench.schema, "table": table, "key": key, "max_bytes": 10**6}
    request: dict[str, Any] = {**named, "limit": limit}
    page: Any = {"end": False}
    while not page["end"]:
        asked = [json.dumps(request)]
        [page] = bench.owner.execute("select public.supakeep_page(%s)", asked).fetchone() or [{}]
        yield page
        request["after"] = page["after"]


@settings(
    max_examples=examples(50),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(case=cases())
def test_every_row_is_in_exactly_one_page_in_the_order_of_its_types(
    bench: SupabaseWorkbench, case: Case
) -> None:
    table, key = made(bench, case)
    texts = ", ".join(f"{column}::text" for column in key)
    query = f'select array[{texts}] from "{bench.schema}".{table} order by {", ".join(key)}'
    expected = [values for (values,) in bench.owner.execute(query.encode())]

    pages = list(paged(bench, table, key, case.limit))

    counts = [page["count"] for page in pages]
    ends = [expected[sum(counts[: n + 1]) - 1] for n, count in enumerate(counts) if count]
    assert sum(counts) == len(expected)
    assert [page["after"] for page in pages if page["count"]] == ends


@pytest.mark.parametrize("depth", [1, 3])
@pytest.mark.parametrize("type_", ["mood", "caseless", "int[]", "char(6)"])
def test_a_key_of_domains_is_matched_by_a_restore(
    bench: SupabaseWorkbench, type_: str, depth: int
) -> None:
    values = {"mood": ["sad", "happy"], "int[]": ["{1}", "{2,3}"]}.get(type_, ["Anna", "bob"])
    name, key = made(bench, Case((type_,), (depth,), [(value,) for value in values], 1))
    table = bench.created(name)

    rows = [
        line for p in bench.database.export(a_selection(table)) for line in p.lines.split(b",\n")
    ]
    counts = bench.database.upsert(table, key, rows, dry_run=False)

    assert (len(rows), counts.unchanged) == (2, 2)


def test_a_window_may_go_by_a_domain(bench: SupabaseWorkbench) -> None:
    table = bench.made(
        'create domain {schema}."moment" as timestamptz;'
        'create table {schema}.t (id int primary key, mood {schema}."mood 2", at {schema}."moment");'
        "insert into {schema}.t select n, (case when n % 2 = 0 then 'happy' else 'sad' end)::{schema}.mood,"
        " now() - n * '1 day'::interval from generate_series(1, 40) n"
    )

    happy = a_selection(table, last_rows=20, order_by="mood")
    recent = a_selection(
        table, last_days=7, time_column="at", since=dt.datetime.now(dt.UTC) - 7.5 * DAY
    )

    assert ids(exported(bench, happy)) == list(range(2, 41, 2))
    assert ids(exported(bench, recent)) == list(range(1, 8))
