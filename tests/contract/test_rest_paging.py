"""Pages of real tables: every row exactly once, whatever its key."""

from __future__ import annotations

import json
from typing import Any

import psycopg
import pytest

from tests.builders.tables import a_selection
from tests.contract.caseless import CASELESS
from tests.contract.exporting import exported
from tests.contract.workbench import SupabaseWorkbench

pytestmark = pytest.mark.integration
KEYS = {
    "uuid": "gen_random_uuid()",
    "text": "md5(n::text) || E'\\' \"%s\\\\' ",
    "char(10)": "n::text",
    "double precision": "n / 7.0",
    "numeric": "n / 7.0 - 100",
    "date": "'4713-01-01 BC'::date + n",
    "timestamptz": "'0001-01-01 BC'::timestamptz + n * '1 month 0.000001 s'::interval",
    "bytea": "decode(md5(n::text), 'hex')",
    "inet": "'10.0.0.0'::inet + n",
    "interval": "n * '1 day 1.000001 s'::interval",
    "int[]": "array[n % 3, n]",
    "bit(16)": "n::bit(16)",
}


def test_more_rows_than_any_page_are_exported_exactly_once(supabase: SupabaseWorkbench) -> None:
    table = supabase.made(
        "create table {schema}.t (id bigint primary key, note text);"
        "insert into {schema}.t select n * 3, 'row ' || n from generate_series(1, 25007) n",
    )

    found = exported(supabase, a_selection(table))

    assert [row["id"] for row in found] == [n * 3 for n in range(1, 25_008)]


def test_portions_stay_small_where_rows_are_large(supabase: SupabaseWorkbench) -> None:
    table = supabase.made(
        "create table {schema}.t (id int primary key, note text);"
        "insert into {schema}.t select n, repeat('x', 300000) from generate_series(1, 40) n;"
        "insert into {schema}.t values (41, repeat('y', 5000000))",
    )

    portions = list(supabase.database.export(a_selection(table)))

    assert sum(portion.count for portion in portions) == 41
    # one row may be larger than a page, and then stands alone
    assert [portion.count for portion in portions if len(portion.lines) > 3_200_000] == [1]


def test_a_key_of_three_columns_of_different_types_is_paged_through(
    supabase: SupabaseWorkbench,
) -> None:
    table = supabase.made(
        "create table {schema}.t (a text, b numeric, c timestamptz, primary key (c, a, b));"
        "insert into {schema}.t select chr(97 + n % 7), n % 11 / 7.0, '2026-01-01'::timestamptz"
        " + (n % 13) * '1.000001 seconds'::interval from generate_series(0, 1000) n"
        " on conflict do nothing;"
        "insert into {schema}.t select chr(97 + n), m / 3.0, 'infinity'"
        " from generate_series(0, 25) n, generate_series(0, 99) m",
    )
    expected = supabase.owner.execute(
        f'select count(*) from "{supabase.schema}".t'.encode()
    ).fetchone()

    found = exported(supabase, a_selection(table))

    assert expected == (len(found),)
    assert table.primary_key == ("c", "a", "b")
    assert len({(row["a"], str(row["b"]), row["c"]) for row in found}) == len(found) > 3000


@pytest.mark.parametrize("type_", KEYS)
def test_keys_of_every_type_are_paged_through(supabase: SupabaseWorkbench, type_: str) -> None:
    supabase.execute("create table {schema}.t (id " + type_ + " primary key)")
    supabase.owner.execute(
        f'insert into "{supabase.schema}".t select {KEYS[type_]} from generate_series(1, 2345) n'.encode()
    )
    table = supabase.created("t")

    found = exported(supabase, a_selection(table))

    assert len({json.dumps(row) for row in found}) == len(found) == 2345


@pytest.mark.parametrize("last_rows", [None, 2000])
def test_a_key_of_an_extensions_type_is_paged_in_that_types_order(
    supabase: SupabaseWorkbench, superuser: psycopg.Connection, last_rows: int | None
) -> None:
    supabase.execute(CASELESS, connection=superuser)
    table = supabase.made(
        "create table {schema}.t (id {schema}.caseless primary key, rank {schema}.caseless);"
        "insert into {schema}.t select (case when n % 2 = 0 then upper(v) else v end)::{schema}.caseless,"
        " (case when n % 3 = 0 then 'A' else 'a' end)::{schema}.caseless"
        " from (select n, md5(n::text) as v from generate_series(1, 2500) n) numbers",
    )
    order_by = "rank" if last_rows else None
    selection = a_selection(table, last_rows=last_rows, order_by=order_by)

    found = [row["id"] for row in exported(supabase, selection)]

    assert len(set(found)) == len(found) == (last_rows or 2500)


@pytest.mark.parametrize("depth", [1, 2, 4])
@pytest.mark.parametrize("last_rows", [None, 2000])
def test_a_key_of_domains_over_an_extensions_type_is_paged_in_that_types_order(
    supabase: SupabaseWorkbench, superuser: psycopg.Connection, last_rows: int | None, depth: int
) -> None:
    supabase.execute(CASELESS, connection=superuser)
    for level in range(depth):
        below = f"d{level}" if level else "caseless"
        supabase.execute(f"create domain {{schema}}.d{level + 1} as {{schema}}.{below}")
    table = supabase.made(
        f"create table {{schema}}.t (id {{schema}}.d{depth} primary key);"
        f"insert into {{schema}}.t select (case when n % 2 = 0 then upper(v) else v end)::{{schema}}.d{depth}"
        " from (select md5(n::text) as v from generate_series(1, 3000) n) numbers"
        " cross join lateral (select ascii(v) as n) odd",
    )
    order_by = "id" if last_rows else None
    selection = a_selection(table, last_rows=last_rows, order_by=order_by)

    found = [row["id"] for row in exported(supabase, selection)]

    assert found == sorted(found, key=str.lower)
    assert len(set(found)) == len(found) == (last_rows or 3000)


def test_a_domains_check_is_not_made_again_to_read(supabase: SupabaseWorkbench) -> None:
    """It may need the owner's search path, which reading does not have."""
    table = supabase.made(
        "create function {schema}.is_fine(n int) returns boolean language plpgsql as"
        " $$ begin return helped_is_fine(n); end $$;"
        "create domain {schema}.fine as int;"
        "create table {schema}.t (id {schema}.fine primary key);"
        "insert into {schema}.t select n from generate_series(1, 2500) n;"
        "alter domain {schema}.fine add constraint fine check ({schema}.is_fine(value)) not valid",
    )

    found = exported(supabase, a_selection(table, last_rows=2400, order_by="id"))

    assert [row["id"] for row in found] == list(range(101, 2501))


def test_the_last_rows_are_cut_through_ties_over_many_pages(supabase: SupabaseWorkbench) -> None:
    table = supabase.made(
        "create table {schema}.t (id int primary key, at timestamptz);"
        "insert into {schema}.t select n, case when n % 10 > 0 then"
        " '2026-01-01'::timestamptz + (n / 3000) * '1 day'::interval end from generate_series(1, 12000) n",
    )

    def last(limit: int) -> list[int]:
        return [
            row["id"]
            for row in exported(supabase, a_selection(table, last_rows=limit, order_by="at"))
        ]

    ranked = supabase.owner.execute(
        f'select id from "{supabase.schema}".t order by at desc nulls last, id desc'.encode()
    ).fetchall()
    expected = [id_ for (id_,) in ranked]
    assert last(10_000) == sorted(expected[:10_000])
    assert last(11_500) == sorted(expected[:11_500])
    assert last(20_000) == sorted(expected)


def test_the_last_rows_of_a_column_of_any_type(supabase: SupabaseWorkbench) -> None:
    table = supabase.made(
        "create type {schema}.mood as enum ('sad', 'ok', 'happy');"
        "create table {schema}.t (id int primary key, price double precision, mood {schema}.mood);"
        "insert into {schema}.t values"
        " (1, 'NaN', 'sad'), (2, '-Infinity', 'happy'), (3, 1e-300, 'ok'), (4, null, null)",
    )

    def last(rows: int, column: str) -> set[int]:
        chosen = exported(supabase, a_selection(table, last_rows=rows, order_by=column))
        return {row["id"] for row in chosen}

    assert [last(n, "price") for n in (1, 2, 3, 4)] == [{1}, {1, 3}, {1, 2, 3}, {1, 2, 3, 4}]
    assert [last(n, "mood") for n in (1, 2, 3, 4)] == [{2}, {2, 3}, {1, 2, 3}, {1, 2, 3, 4}]


@pytest.mark.parametrize(
    "policy", [{}, {"last_rows": 5000, "order_by": "at"}, {"last_days": 4000, "time_column": "at"}]
)
def test_rows_that_are_written_after_the_export_began_are_not_untouched(
    supabase: SupabaseWorkbench, policy: dict[str, Any]
) -> None:
    table = supabase.made(
        "create table {schema}.t (id int primary key, at timestamptz);"
        "insert into {schema}.t select n, '2026-01-01'::timestamptz + n * '1 s'::interval"
        " from generate_series(1, 6000) n",
    )
    selection = a_selection(table, **policy)
    rows = 5000 if "last_rows" in policy else 6000

    portions = supabase.database.export(selection)
    read = next(portions).count
    supabase.execute("insert into {schema}.t select n, now() from generate_series(6001, 6100) n")
    supabase.execute("update {schema}.t set at = at where id between 5001 and 5020")
    supabase.execute("delete from {schema}.t where id between 5901 and 5930")
    read += sum(portion.count for portion in portions)

    assert supabase.database.count_untouched(selection) == rows - 20 - 30
    assert read >= rows - 30


def test_a_row_whose_order_changes_while_pages_are_read_is_neither_lost_nor_doubled(
    supabase: SupabaseWorkbench,
) -> None:
    table = supabase.made(
        "create table {schema}.t (id int primary key, at timestamptz);"
        "insert into {schema}.t select n, '2026-01-01'::timestamptz + n * '1 s'::interval"
        " from generate_series(1, 6000) n",
    )
    touch = "update {schema}.t set at = now() where id in (2500, 5999)"
    portions = supabase.database.export(a_selection(table, last_rows=5000, order_by="at"))

    ids = [json.loads(line)["id"] for line in next(portions).lines.split(b",\n")]
    supabase.execute(touch)
    for portion in portions:
        ids += [json.loads(line)["id"] for line in portion.lines.split(b",\n")]

    assert ids == list(range(1001, 6001))


@pytest.mark.parametrize("width", [300_000, 1_200_000])
def test_a_page_of_wide_rows_takes_as_many_as_fit(supabase: SupabaseWorkbench, width: int) -> None:
    """All of the first thousand at once would be more than a Postgres text may hold."""
    table = supabase.made(
        "create table {schema}.t (id int primary key, note text);"
        f"insert into {{schema}}.t select n, repeat('x', {width}) from generate_series(1, 1000) n",
    )

    portions = supabase.database.export(a_selection(table))
    first = [next(portions) for _ in range(3)]
    portions.close()  # type: ignore[attr-defined]

    assert [portion.count for portion in first] == [3 * 1024 * 1024 // (width + 19)] * 3
