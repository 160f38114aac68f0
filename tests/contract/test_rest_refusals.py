"""Rows that a trigger discards, and keys that no upsert can use."""

from __future__ import annotations

import json

import pytest

from supakeep.domain.manifest import Manifest
from supakeep.domain.policy import BackupPolicy
from supakeep.domain.schema import Table
from supakeep.errors import ConstraintViolationError, DatabaseError, ExportError, RestoreError
from tests.builders.backups import back_up, restore
from tests.contract.exporting import upsert
from tests.contract.workbench import SupabaseWorkbench
from tests.fakes.object_store import InMemoryObjectStore

pytestmark = pytest.mark.integration

TEN_NOTES = (
    "create table {schema}.t (id int primary key, note text);"
    "insert into {schema}.t select n, 'note ' || n from generate_series(1, 10) n"
)
DISCARDING = (
    "create function {schema}.discard() returns trigger language plpgsql as"
    " $$ begin if new.id in (3, 4, 9) then return null; end if; return new; end $$;"
    "create trigger discard before insert on {schema}.t"
    " for each row execute function {schema}.discard()"
)


@pytest.fixture
def store() -> InMemoryObjectStore:
    return InMemoryObjectStore(piece_bytes=65_536)


def backed_up(bench: SupabaseWorkbench, table: Table, store: InMemoryObjectStore) -> Manifest:
    only_this = BackupPolicy.parse(f'[[table]]\nname = "{table.qualified_name}"')
    return back_up(bench.database, store, policy=only_this)


def test_rows_that_a_trigger_discards_are_refused_rows_and_the_others_written(
    supabase: SupabaseWorkbench, store: InMemoryObjectStore
) -> None:
    table = supabase.made(TEN_NOTES)
    manifest = backed_up(supabase, table, store)
    supabase.execute("truncate {schema}.t;" + DISCARDING)

    report = restore(supabase.database, store, manifest)

    [restored] = report.tables
    assert not report.is_whole
    assert (restored.inserted, restored.unchanged, restored.refused) == (7, 0, 3)
    assert [json.loads(row.row) for row in restored.refused_rows] == [
        {"id": "3"},
        {"id": "4"},
        {"id": "9"},
    ]
    assert {row.reason for row in restored.refused_rows} == {
        "a trigger of the table discarded the row"
    }
    assert [row["id"] for row in supabase.rows(table)] == [1, 2, 5, 6, 7, 8, 10]


def test_rows_that_are_there_in_spite_of_the_trigger_are_unchanged(
    supabase: SupabaseWorkbench, store: InMemoryObjectStore
) -> None:
    table = supabase.made(TEN_NOTES)
    manifest = backed_up(supabase, table, store)
    before = supabase.rows(table)
    supabase.execute(DISCARDING)

    [restored] = restore(supabase.database, store, manifest).tables

    assert (restored.inserted, restored.unchanged, restored.refused) == (0, 10, 0)
    assert supabase.rows(table) == before


def test_a_batch_with_a_row_that_a_trigger_discards_is_not_written_at_all(
    supabase: SupabaseWorkbench,
) -> None:
    table = supabase.made(TEN_NOTES + "; delete from {schema}.t;" + DISCARDING)

    with pytest.raises(ConstraintViolationError, match="discarded the row"):
        upsert(supabase, table, '{"id":1,"note":"a"}', '{"id":3,"note":"b"}')

    assert supabase.rows(table) == []


def test_a_trigger_that_changes_rows_refuses_none(
    supabase: SupabaseWorkbench, store: InMemoryObjectStore
) -> None:
    table = supabase.made(TEN_NOTES)
    manifest = backed_up(supabase, table, store)
    supabase.execute(
        "truncate {schema}.t;"
        "create function {schema}.shout() returns trigger language plpgsql as"
        " $$ begin new.note := upper(new.note); return new; end $$;"
        "create trigger shout before insert or update on {schema}.t"
        " for each row execute function {schema}.shout()"
    )

    [restored] = restore(supabase.database, store, manifest).tables

    assert (restored.inserted, restored.refused) == (10, 0)
    assert supabase.rows(table)[0]["note"] == "NOTE 1"


DEFERRABLE = ["deferrable", "deferrable initially deferred"]


@pytest.mark.parametrize("deferrable", DEFERRABLE)
def test_a_table_whose_key_is_deferrable_is_refused_like_one_without(
    supabase: SupabaseWorkbench, store: InMemoryObjectStore, deferrable: str
) -> None:
    table = supabase.made("create table {schema}.t (id int primary key " + deferrable + ")")

    assert table.primary_key == ()
    with pytest.raises(ExportError, match=rf"{supabase.schema}\.t has no primary key"):
        backed_up(supabase, table, store)
    assert store.objects == {}


@pytest.mark.parametrize("deferrable", DEFERRABLE)
@pytest.mark.parametrize("dry_run", [False, True])
def test_nothing_is_restored_into_a_table_whose_key_has_become_deferrable(
    supabase: SupabaseWorkbench, store: InMemoryObjectStore, deferrable: str, dry_run: bool
) -> None:
    table = supabase.made(TEN_NOTES)
    manifest = backed_up(supabase, table, store)
    supabase.execute(
        "delete from {schema}.t where id > 5; alter table {schema}.t drop constraint t_pkey;"
        "alter table {schema}.t add primary key (id) " + deferrable
    )
    before = supabase.rows(table)

    with pytest.raises(RestoreError, match="has no primary key, so its rows cannot be matched"):
        restore(supabase.database, store, manifest, dry_run=dry_run)

    assert supabase.rows(table) == before


def test_a_rule_that_forbids_an_upsert_is_found_by_a_dry_run_which_names_the_table(
    supabase: SupabaseWorkbench, store: InMemoryObjectStore
) -> None:
    table = supabase.made(TEN_NOTES)
    manifest = backed_up(supabase, table, store)
    supabase.execute(
        "delete from {schema}.t where id > 5;"
        "create rule noted as on insert to {schema}.t do also notify noted"
    )
    before = supabase.rows(table)

    for dry_run in (True, False):
        with pytest.raises(DatabaseError, match=rf"{supabase.schema}\.t: .* ON CONFLICT") as caught:
            restore(supabase.database, store, manifest, dry_run=dry_run)
        assert "rule" in (caught.value.hint or "")

    assert supabase.rows(table) == before
