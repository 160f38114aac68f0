"""A restore through the Data API into tables with code of the user's own: triggers, checks, domains, indexes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from supakeep.domain.manifest import Manifest
from supakeep.domain.policy import BackupPolicy
from supakeep.domain.schema import Table
from supakeep.errors import (
    ConstraintViolationError,
    DatabasePermissionError,
    RestoreError,
)
from tests.builders.backups import back_up, restore
from tests.contract.exporting import upsert
from tests.contract.workbench import SupabaseWorkbench
from tests.fakes.object_store import InMemoryObjectStore

pytestmark = pytest.mark.integration

TEN_NOTES = (
    "create table {schema}.t (id int primary key, note text);"
    "insert into {schema}.t select n, 'note ' || n from generate_series(1, 10) n"
)


@pytest.fixture
def store() -> InMemoryObjectStore:
    return InMemoryObjectStore(piece_bytes=65_536)


@pytest.fixture
def unqualified(supabase: SupabaseWorkbench) -> Iterator[str]:
    """A function and a table in `public`, where code that names no schema finds them."""
    name = supabase.schema
    supabase.execute(
        f"create function public.is_{name}(text) returns boolean language sql immutable"
        " as $$ select length($1) < 9 $$;"
        f"create table public.log_{name} (note text);"
        f"grant all on public.log_{name} to service_role"
    )
    yield name
    supabase.execute(f"drop table public.log_{name}; drop function public.is_{name} cascade")


def backed_up(bench: SupabaseWorkbench, table: Table, store: InMemoryObjectStore) -> Manifest:
    only_this = BackupPolicy.parse(f'[[table]]\nname = "{table.qualified_name}"')
    return back_up(bench.database, store, policy=only_this)


def trigger(bench: SupabaseWorkbench, when: str, body: str) -> None:
    """A row trigger of the table `t`."""
    bench.execute(
        "create function {schema}.fires() returns trigger language plpgsql as $$ begin "
        + body
        + " end $$; create trigger fires "
        + when
        + " on {schema}.t for each row execute function {schema}.fires()"
    )


def test_values_that_a_trigger_keeps_are_reported_and_the_restore_is_not_whole(
    supabase: SupabaseWorkbench, store: InMemoryObjectStore
) -> None:
    table = supabase.made(TEN_NOTES)
    manifest = backed_up(supabase, table, store)
    supabase.execute("update {schema}.t set note = 'wrong' where id > 7")
    trigger(supabase, "before update", "new.note := old.note; return new;")

    report = restore(supabase.database, store, manifest)

    [restored] = report.tables
    assert not report.is_whole
    assert (restored.updated, restored.unchanged, restored.altered) == (3, 7, 3)
    assert [row.key for row in restored.altered_rows] == [{"id": "8"}, {"id": "9"}, {"id": "10"}]
    assert restored.altered_rows[0].columns == {"note": ('"note 8"', '"wrong"')}


def test_updates_that_a_trigger_discards_are_refused_rows(
    supabase: SupabaseWorkbench, store: InMemoryObjectStore
) -> None:
    table = supabase.made(TEN_NOTES)
    manifest = backed_up(supabase, table, store)
    supabase.execute("update {schema}.t set note = 'wrong' where id > 7")
    trigger(supabase, "before update", "if new.id = 9 then return null; end if; return new;")

    report = restore(supabase.database, store, manifest)

    [restored] = report.tables
    assert not report.is_whole
    assert (restored.updated, restored.unchanged, restored.refused) == (2, 7, 1)
    assert [json.loads(row.row) for row in restored.refused_rows] == [{"id": "9"}]
    assert [row["note"] for row in supabase.rows(table)][7:] == ["note 8", "wrong", "note 10"]


def test_rows_that_are_the_same_in_spite_of_a_trigger_are_whole(
    supabase: SupabaseWorkbench, store: InMemoryObjectStore
) -> None:
    table = supabase.made(TEN_NOTES)
    manifest = backed_up(supabase, table, store)
    supabase.execute("update {schema}.t set note = 'wrong' where id > 7")
    trigger(supabase, "before update", "new.note := trim(new.note); return new;")

    report = restore(supabase.database, store, manifest)

    assert report.is_whole
    assert (report.tables[0].updated, report.tables[0].altered) == (3, 0)


def test_a_column_that_a_trigger_touches_is_reported(supabase: SupabaseWorkbench) -> None:
    table = supabase.made("create table {schema}.t (id int primary key, note text, at timestamptz)")
    trigger(supabase, "before insert or update", "new.at := now(); return new;")

    counts = upsert(supabase, table, '{"id":1,"note":"a","at":"2026-01-01T00:00:00+00:00"}')

    assert (counts.inserted, counts.altered) == (1, 1)
    given, live = (json.loads(row or b"null") for row in counts.examples[0])
    assert (given["note"], given["at"]) == (live["note"], "2026-01-01T00:00:00+00:00")
    assert live["at"] != given["at"]


def test_rows_that_a_trigger_writes_itself_are_written(supabase: SupabaseWorkbench) -> None:
    table = supabase.made("create table {schema}.t (id int primary key, note text)")
    trigger(
        supabase,
        "before insert",
        "if pg_trigger_depth() > 1 then return new; end if;"
        " insert into {schema}.t values (new.*); return null;",
    )

    counts = upsert(supabase, table, '{"id":1,"note":"a"}', '{"id":2,"note":"b"}')

    assert (counts.inserted, counts.altered) == (2, 0)
    assert [row["note"] for row in supabase.rows(table)] == ["a", "b"]


USERS_CODE = {
    "check": "alter table {schema}.t add check ({schema}.wraps(note))",
    "domain": "alter domain {schema}.short add check ({schema}.wraps(value))",
    "index": "create index on {schema}.t (({schema}.wraps(note)))",
    "generated": "alter table {schema}.t add g boolean"
    " generated always as ({schema}.wraps(note)) stored",
}


@pytest.mark.parametrize("part", [*USERS_CODE, "trigger"])
def test_code_that_names_no_schema_works_as_it_does_for_the_user(
    supabase: SupabaseWorkbench, unqualified: str, part: str
) -> None:
    supabase.execute(
        "create domain {schema}.short as text;"
        "create table {schema}.t (id int primary key, note {schema}.short);"
        "create function {schema}.wraps(text) returns boolean language plpgsql immutable"
        f" as $$ begin return is_{unqualified}($1); end $$"
    )
    if part == "trigger":
        body = f"insert into log_{unqualified} values (new.note); return new;"
        trigger(supabase, "before insert", body)
    else:
        supabase.execute(USERS_CODE[part])
    table = supabase.created("t")

    counts = upsert(supabase, table, '{"id":1,"note":"short"}', '{"id":2,"note":null}')
    again = upsert(supabase, table, '{"id":1,"note":"other"}', '{"id":2,"note":null}')

    assert (counts.inserted, again.updated, again.unchanged) == (2, 1, 1)


SETTINGS = {
    "search_path": "public, extensions",
    "timezone": "Asia/Tokyo",
    "datestyle": "German, DMY",
    "intervalstyle": "sql_standard",
    "extra_float_digits": "0",
}


def test_a_trigger_runs_under_the_callers_settings_and_values_are_exact_all_the_same(
    supabase: SupabaseWorkbench,
) -> None:
    table = supabase.made(
        "create table {schema}.t"
        " (id int primary key, f float8, i interval, at timestamptz, day date, seen text)"
    )
    shown = " || '|' || ".join(
        f"current_setting(''{name}'')".replace("''", "'") for name in SETTINGS
    )
    trigger(
        supabase,
        "before insert or update",
        f"new.seen := {shown}; new.day := new.at::date; return new;",
    )
    row = (
        '{"id":1,"f":0.30000000000000004,"i":"-1 years -2 mons +3 days -04:05:06",'
        '"at":"2026-01-31T20:00:00+00:00"}'
    )
    request = {
        "schema": table.schema_name,
        "table": "t",
        "key": ["id"],
        "text_columns": [],
        "columns": ["id", "f", "i", "at"],
        "rows": f"[{row}]",
        "dry_run": False,
    }

    with supabase.owner.transaction(force_rollback=True):
        for name, value in SETTINGS.items():
            # as a role's own settings have it
            supabase.owner.execute("select set_config(%s, %s, true)", [name, value])
        answer = called(supabase.owner, request)
        again = called(supabase.owner, {**request, "rows": f"[{row.replace('04,', '1,')}]"})
        supabase.owner.execute("set local intervalstyle = 'postgres'")
        [(seen, day, interval)] = supabase.owner.execute(
            f'select seen, day::text, i::text from "{supabase.schema}".t'.encode()
        )

    assert (answer["inserted"], answer["altered"]) == (1, 0)
    assert (again["updated"], again["altered"]) == (1, 0)
    assert seen == "|".join(SETTINGS.values())
    assert day in ("2026-02-01", "01.02.2026")
    assert interval == "-1 years -2 mons +3 days -04:05:06"


def called(connection: psycopg.Connection, request: dict[str, Any]) -> dict[str, Any]:
    connection.execute("set local role service_role")
    [(answer,)] = connection.execute("select public.supakeep_upsert(%s)", [json.dumps(request)])
    fields: dict[str, Any] = answer
    return fields


def test_a_row_that_a_trigger_raises_for_is_refused_with_what_it_says(
    supabase: SupabaseWorkbench, store: InMemoryObjectStore
) -> None:
    table = supabase.made(TEN_NOTES)
    manifest = backed_up(supabase, table, store)
    supabase.execute("truncate {schema}.t")
    trigger(
        supabase,
        "before insert",
        "if new.id in (4, 9) then raise exception 'order % is closed', new.id; end if; return new;",
    )

    report = restore(supabase.database, store, manifest)

    [restored] = report.tables
    assert (restored.inserted, restored.refused) == (8, 2)
    assert [json.loads(row.row)["id"] for row in restored.refused_rows] == ["4", "9"]
    assert restored.refused_rows[0].reason.startswith("order 4 is closed (")
    assert ".fires() line 1 at RAISE" in restored.refused_rows[0].reason


@pytest.mark.parametrize(
    "raised",
    ["sqlstate 'PT402' using message = 'no'", "sqlstate 'U0001' using message = 'no'"],
)
def test_a_code_of_the_users_own_is_a_refused_row_whatever_the_server_makes_of_it(
    supabase: SupabaseWorkbench, raised: str
) -> None:
    table = supabase.made(TEN_NOTES)
    trigger(supabase, "before update", f"raise {raised};")

    with pytest.raises(ConstraintViolationError, match="own code refused") as refused:
        upsert(supabase, table, '{"id":1,"note":"a"}')

    assert refused.value.in_full.startswith("no (")


def test_a_constraint_that_is_checked_at_the_commit_refuses_its_row(
    supabase: SupabaseWorkbench, store: InMemoryObjectStore
) -> None:
    supabase.execute(
        "create table {schema}.p (id int primary key); insert into {schema}.p values (1)"
    )
    table = supabase.made(
        "create table {schema}.t (id int primary key, p int references {schema}.p"
        " deferrable initially deferred); insert into {schema}.t values (1, 1), (2, null)"
    )
    manifest = backed_up(supabase, table, store)
    supabase.execute("truncate {schema}.t; delete from {schema}.p")

    [restored] = restore(supabase.database, store, manifest).tables

    assert (restored.inserted, restored.refused) == (1, 1)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("perform 1 from nowhere; return new;", "nowhere"),
        ("perform no_such_function(new.id); return new;", "no_such_function"),
        ("perform 1::no_such_type; return new;", "no_such_type"),
    ],
)
def test_an_error_inside_a_trigger_is_not_taken_for_a_table_that_was_dropped(
    supabase: SupabaseWorkbench, body: str, code: str
) -> None:
    table = supabase.made(TEN_NOTES)
    trigger(supabase, "before update", body)

    with pytest.raises(RestoreError, match=code) as failed:
        upsert(supabase, table, '{"id":1,"note":"a"}')

    assert failed.value.message.startswith(
        f"A trigger or function of {table.qualified_name} failed"
    )
    assert f"{supabase.schema}.fires() line" in failed.value.message
    assert "PostgreSQL's context: PL/pgSQL function" in failed.value.in_full


def test_a_permission_that_a_trigger_lacks_names_what_it_is_for(
    supabase: SupabaseWorkbench,
) -> None:
    supabase.execute("create table {schema}.audit (note text)")
    table = supabase.made(TEN_NOTES)
    trigger(supabase, "before update", "insert into {schema}.audit values (new.note); return new;")

    with pytest.raises(
        DatabasePermissionError, match="permission denied for table audit"
    ) as denied:
        upsert(supabase, table, '{"id":1,"note":"a"}')

    assert denied.value.hint is not None
    assert "GRANT SELECT, INSERT, UPDATE" not in denied.value.hint
    assert "SECURITY DEFINER" in denied.value.hint


def test_rows_of_users_who_are_gone_are_refused_with_what_to_do(
    supabase: SupabaseWorkbench, store: InMemoryObjectStore
) -> None:
    user = "0b5a6f0e-9c1d-4a3f-8b9b-000000000001"
    supabase.execute(f"insert into auth.users (id) values ('{user}') on conflict do nothing")
    table = supabase.made(
        "create table {schema}.t (id int primary key, user_id uuid references auth.users);"
        f"insert into {{schema}}.t values (1, '{user}'), (2, null)"
    )
    manifest = backed_up(supabase, table, store)
    supabase.execute(f"truncate {{schema}}.t; delete from auth.users where id = '{user}'")

    report = restore(supabase.database, store, manifest)

    assert (report.tables[0].inserted, report.tables[0].refused) == (1, 1)
    [warning] = [text for text in report.warnings if "auth.users" in text]
    assert warning.startswith(f"{table.qualified_name}: ")
    assert "docs/restore.md" in warning


# as a limit of the server does it
TOO_LARGE = (
    "create function {schema}.limits() returns trigger language plpgsql as"
    " $$ begin if (select count(*) from fresh) > 100 then raise program_limit_exceeded; end if;"
    " return null; end $$;"
    "create trigger limits after insert on {schema}.t referencing new table as fresh"
    " for each statement execute function {schema}.limits()"
)


def test_a_tree_whose_batches_are_too_large_is_restored_in_smaller_ones(
    supabase: SupabaseWorkbench, store: InMemoryObjectStore
) -> None:
    table = supabase.made(
        "create table {schema}.t (id uuid primary key, parent uuid references {schema}.t);"
        "insert into {schema}.t select md5(n::text)::uuid, case when n > 1 then md5((n / 2)::text)::uuid end"
        " from generate_series(1, 1500) n"
    )
    before = supabase.rows(table)
    manifest = backed_up(supabase, table, store)
    supabase.execute("truncate {schema}.t")
    supabase.execute(TOO_LARGE)

    [restored] = restore(supabase.database, store, manifest).tables

    assert (restored.inserted, restored.refused, restored.altered) == (1500, 0, 0)
    assert supabase.rows(table) == before


def test_a_sequence_that_a_new_columns_default_may_not_use_is_named(
    supabase: SupabaseWorkbench,
) -> None:
    table = supabase.made(
        "create sequence {schema}.numbers;"
        "create table {schema}.t (id int primary key, n int default nextval('{schema}.numbers'))"
    )
    supabase.execute("revoke all on sequence {schema}.numbers from service_role")

    with pytest.raises(DatabasePermissionError, match="for sequence numbers") as denied:
        supabase.database.upsert(table, ["id"], [b'{"id":1}'], dry_run=False)

    assert denied.value.hint is not None
    assert "GRANT it to service_role" in denied.value.hint


def test_a_dry_run_shows_old_and_new_values(
    supabase: SupabaseWorkbench, store: InMemoryObjectStore
) -> None:
    table = supabase.made(TEN_NOTES)
    manifest = backed_up(supabase, table, store)
    supabase.execute("update {schema}.t set note = 'wrong' where id > 8")

    [dry] = restore(supabase.database, store, manifest, dry_run=True).tables

    assert (dry.updated, dry.altered, dry.altered_rows) == (2, 0, ())
    assert [row.columns["note"] for row in dry.updated_rows] == [
        ('"wrong"', '"note 9"'),
        ('"wrong"', '"note 10"'),
    ]
