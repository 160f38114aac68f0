"""A restore into a real Postgres: odd names, identities, generated columns, sequences, partitions, triggers."""

from __future__ import annotations

import json

import psycopg
import pytest

from supakeep.domain.policy import BackupPolicy
from supakeep.errors import DatabasePermissionError
from tests.builders.backups import back_up, restore
from tests.builders.tables import a_selection
from tests.contract.caseless import CASELESS, LOSSY_JSON
from tests.contract.exporting import exported, upsert
from tests.contract.workbench import SupabaseWorkbench
from tests.fakes.object_store import InMemoryObjectStore

pytestmark = pytest.mark.integration


def test_a_type_whose_json_says_less_than_its_text_comes_back_as_it_was(
    supabase: SupabaseWorkbench, superuser: psycopg.Connection
) -> None:
    """As PostGIS's geometry, whose json is rounded, and hstore, whose json it cannot read."""
    supabase.execute(CASELESS + LOSSY_JSON, connection=superuser)
    table = supabase.made(
        "create table {schema}.t (a text, id int primary key, place {schema}.caseless, z int);"
        "insert into {schema}.t values ('a', 1, 'At HOME', 1), ('b', 2, null, 2)",
    )
    found = exported(supabase, a_selection(table))
    rows = [json.dumps(row) for row in found]

    same = upsert(supabase, table, *rows)
    supabase.execute("update {schema}.t set place = 'at home'")
    counts = upsert(supabase, table, *rows)

    assert found[0] == {"a": "a", "id": 1, "place": "At HOME", "z": 1}
    assert (same.unchanged, counts.updated) == (2, 2)
    places = supabase.owner.execute(
        f'select place::text from "{supabase.schema}".t order by id'.encode()
    )
    assert places.fetchall() == [("At HOME",), (None,)]


def test_a_key_of_an_extensions_type_is_matched_as_that_type_compares(
    supabase: SupabaseWorkbench, superuser: psycopg.Connection
) -> None:
    supabase.execute(CASELESS, connection=superuser)
    table = supabase.made(
        "create table {schema}.t (id {schema}.caseless primary key, note text);"
        "insert into {schema}.t values ('ANNA@example.com', 'old')",
    )
    row = '{"id":"anna@example.com","note":"new"}'

    dry = upsert(supabase, table, row, dry_run=True)
    real = upsert(supabase, table, row)

    assert (dry.inserted, dry.updated) == (real.inserted, real.updated) == (0, 1)


ODD_NAMES = [
    "t",
    "T",
    "with space",
    'quo"ted',
    "apo'strophe",
    "percent%sign",
    "semi;colon",
    "select",
    "row",
    "line",
    "page",
    "key",
    "excluded",
    "incoming",
    "bytes",
    "n",
    "order_value",
    "ünïcödé",
    "a.b",
    "x" * 63,
    "rows",
    "count",
]


@pytest.mark.parametrize("name", ODD_NAMES)
def test_a_table_and_its_columns_may_have_any_name(supabase: SupabaseWorkbench, name: str) -> None:
    other = "v" if name != "v" else "w"
    supabase.execute(
        "create table {schema}.{name} ({name} int primary key, {other} text);"
        "insert into {schema}.{name} values (1, 'one'), (2, null), (3, 'three')",
        name=name,
        other=other,
    )
    table = supabase.created(name)

    rows = [
        line for p in supabase.database.export(a_selection(table)) for line in p.lines.split(b",\n")
    ]
    last = exported(supabase, a_selection(table, last_rows=2, order_by=name))
    supabase.execute("delete from {schema}.{name} where {name} = 1", name=name)
    supabase.execute(
        "update {schema}.{name} set {other} = 'wrong' where {name} = 3", name=name, other=other
    )
    dry = supabase.database.upsert(table, table.writable_columns, rows, dry_run=True)
    counts = supabase.database.upsert(table, table.writable_columns, rows, dry_run=False)

    assert [json.loads(row)[name] for row in rows] == [1, 2, 3]
    assert [row[name] for row in last] == [2, 3]
    assert (counts.inserted, counts.updated, counts.unchanged) == (1, 1, 1)
    assert dry[:3] == counts[:3]
    assert [row[other] for row in supabase.rows(table)] == ["one", None, "three"]


def test_an_identity_that_is_always_generated_is_restored_as_it_was(
    supabase: SupabaseWorkbench,
) -> None:
    table = supabase.made(
        "create table {schema}.t (id bigint generated always as identity primary key, note text);"
        "insert into {schema}.t (note) select 'n' || n from generate_series(1, 5) n",
    )
    rows = [json.dumps(row) for row in exported(supabase, a_selection(table))]
    supabase.execute("truncate {schema}.t restart identity")

    counts = upsert(supabase, table, *rows)
    again = upsert(supabase, table, '{"id":5,"note":"changed"}')
    moved = supabase.database.advance_sequences(table)
    supabase.execute("insert into {schema}.t (note) values ('next')")

    assert (counts.inserted, again.updated, len(moved)) == (5, 1, 1)
    assert [row["id"] for row in supabase.rows(table)] == [1, 2, 3, 4, 5, 6]


def test_an_identity_beside_the_key_stays_as_it_is_where_the_row_is_there(
    supabase: SupabaseWorkbench,
) -> None:
    table = supabase.made(
        "create table {schema}.t (id text primary key, n bigint generated always as identity, note text);"
        "insert into {schema}.t (id, note) values ('a', 'one'), ('b', 'two')"
    )
    rows = [json.dumps(row) for row in exported(supabase, a_selection(table))]
    supabase.execute("delete from {schema}.t where id = 'b'")
    supabase.execute("update {schema}.t set note = 'wrong'")

    counts = upsert(supabase, table, *rows)

    assert (counts.inserted, counts.updated) == (1, 1)
    assert [(row["n"], row["note"]) for row in supabase.rows(table)] == [(1, "one"), (2, "two")]


def test_generated_columns_are_made_anew(supabase: SupabaseWorkbench) -> None:
    table = supabase.made(
        "create table {schema}.t (id int primary key, net numeric,"
        " gross numeric generated always as (net * 1.19) stored);"
        "insert into {schema}.t (id, net) values (1, 100), (2, 7.77)",
    )
    assert table.writable_columns == ("id", "net")
    before = supabase.rows(table)
    rows = [json.dumps(row) for row in exported(supabase, a_selection(table))]
    supabase.execute("delete from {schema}.t where id = 1")
    supabase.execute("update {schema}.t set net = 0 where id = 2")

    counts = upsert(supabase, table, *rows)

    assert (counts.inserted, counts.updated) == (1, 1)
    assert supabase.rows(table) == before


def test_a_tree_of_thousands_of_rows_in_any_order_is_restored(
    supabase: SupabaseWorkbench,
) -> None:
    table = supabase.made(
        "create table {schema}.t (id uuid primary key, parent uuid references {schema}.t);"
        "insert into {schema}.t select md5(n::text)::uuid, case when n > 1 then md5((n / 2)::text)::uuid end"
        " from generate_series(1, 4000) n"
    )
    before = supabase.rows(table)
    store = InMemoryObjectStore(piece_bytes=65_536)
    only_this = f'[[table]]\nname = "{table.qualified_name}"'
    manifest = back_up(supabase.database, store, policy=BackupPolicy.parse(only_this))
    supabase.execute("truncate {schema}.t")

    [report] = restore(supabase.database, store, manifest).tables

    assert (report.inserted, report.refused) == (4000, 0)
    assert supabase.rows(table) == before


def test_a_serial_column_continues_after_the_restored_rows(supabase: SupabaseWorkbench) -> None:
    table = supabase.made("create table {schema}.t (id serial primary key, note text)")
    upsert(supabase, table, '{"id":500,"note":"restored"}')

    supabase.database.advance_sequences(table)
    supabase.execute("insert into {schema}.t (note) values ('next')")

    assert [row["id"] for row in supabase.rows(table)] == [500, 501]


def test_a_sequence_of_an_oddly_named_table_is_moved(supabase: SupabaseWorkbench) -> None:
    supabase.execute('create table {schema}."My Table" ("The Id" serial primary key)')
    table = supabase.created("My Table")
    upsert(supabase, table, '{"The Id":9}')

    [moved] = supabase.database.advance_sequences(table)

    assert "My Table_The Id_seq" in moved


def test_sequences_that_may_not_be_moved_are_named_with_the_grant(
    supabase: SupabaseWorkbench,
) -> None:
    table = supabase.made("create table {schema}.t (id serial primary key)")
    upsert(supabase, table, '{"id":9}')
    supabase.execute("revoke all on all sequences in schema {schema} from service_role")

    with pytest.raises(DatabasePermissionError) as denied:
        supabase.database.advance_sequences(table)

    assert denied.value.hint is not None
    assert f'ON ALL SEQUENCES IN SCHEMA "{supabase.schema}" TO service_role;' in denied.value.hint


def test_a_partitioned_table_is_one_table(supabase: SupabaseWorkbench) -> None:
    table = supabase.made(
        "create table {schema}.t (id int, at date, note text, primary key (id, at)) partition by range (at);"
        "create table {schema}.t_old partition of {schema}.t for values from ('2020-01-01') to ('2026-01-01');"
        "create table {schema}.t_new partition of {schema}.t for values from ('2026-01-01') to ('2030-01-01');"
        "insert into {schema}.t select n, '2024-06-01'::date + n, 'x' from generate_series(1, 1200) n",
    )
    names = [name for name in supabase.database.catalog().tables if supabase.schema in name]
    before = supabase.rows(table)
    rows = [json.dumps(row) for row in exported(supabase, a_selection(table))]
    supabase.execute("delete from {schema}.t where id % 2 = 0")

    counts = upsert(supabase, table, *rows)

    assert names == [f"{supabase.schema}.t"]
    assert (counts.inserted, counts.updated, counts.unchanged) == (600, 0, 600)
    assert supabase.rows(table) == before


def test_triggers_see_only_the_rows_that_are_written(supabase: SupabaseWorkbench) -> None:
    table = supabase.made(
        "create table {schema}.t (id int primary key, note text);"
        "create table {schema}.seen (id int);"
        "create function {schema}.see() returns trigger language plpgsql security definer as"
        " $$ begin insert into {schema}.seen values (new.id); return new; end $$;"
        "insert into {schema}.t values (1, 'same'), (2, 'old');"
        "create trigger see after insert or update on {schema}.t for each row execute function {schema}.see()",
    )

    upsert(
        supabase, table, '{"id":1,"note":"same"}', '{"id":2,"note":"new"}', '{"id":3,"note":"x"}'
    )

    seen = supabase.owner.execute(f'select id from "{supabase.schema}".seen order by 1'.encode())
    assert seen.fetchall() == [(2,), (3,)]
