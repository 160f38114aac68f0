"""Tables that inherit from others: each is backed up and restored with only its own rows."""

from __future__ import annotations

import pytest

from supakeep.domain.manifest import Manifest
from supakeep.domain.policy import BackupPolicy
from supakeep.domain.schema import Table
from tests.builders.backups import back_up, restore
from tests.builders.tables import a_selection
from tests.contract.exporting import exported, ids, upsert
from tests.contract.workbench import SupabaseWorkbench
from tests.fakes.object_store import InMemoryObjectStore

pytestmark = pytest.mark.integration

# one key stands in both tables, which Postgres allows
FAMILY = (
    "create table {schema}.parent (id int primary key, note text);"
    "create table {schema}.heir (extra text, primary key (id)) inherits ({schema}.parent);"
    "insert into {schema}.parent values (1, 'parent 1'), (2, 'parent 2');"
    "insert into {schema}.heir values (2, 'heir 2', 'x'), (3, 'heir 3', 'y'), (4, 'heir 4', null)"
)
ROWS = [
    ("heir", 2, "heir 2"),
    ("heir", 3, "heir 3"),
    ("heir", 4, "heir 4"),
    ("parent", 1, "parent 1"),
    ("parent", 2, "parent 2"),
]


def all_rows(bench: SupabaseWorkbench) -> list[tuple[object, ...]]:
    """Every row with the table that it stands in."""
    query = (
        "select relname, p.id, p.note from {0}.parent p join pg_class c on c.oid = p.tableoid"
        " order by 1, 2"
    )
    return bench.owner.execute(query.format(bench.schema).encode()).fetchall()


@pytest.fixture
def family(supabase: SupabaseWorkbench) -> tuple[Table, Table]:
    """A parent with two rows, and its heir with three."""
    supabase.execute(FAMILY)
    return supabase.created("parent"), supabase.created("heir")


@pytest.fixture
def store() -> InMemoryObjectStore:
    return InMemoryObjectStore(piece_bytes=65_536)


def backed_up(bench: SupabaseWorkbench, store: InMemoryObjectStore) -> Manifest:
    both = "".join(f'[[table]]\nname = "{bench.schema}.{name}"\n' for name in ("parent", "heir"))
    return back_up(bench.database, store, policy=BackupPolicy.parse(both))


def test_each_table_is_exported_and_counted_with_its_own_rows(
    supabase: SupabaseWorkbench, family: tuple[Table, Table]
) -> None:
    parent, heir = family

    found = {table.name: ids(exported(supabase, a_selection(table))) for table in family}
    last = ids(exported(supabase, a_selection(parent, last_rows=1, order_by="id")))

    assert found == {"parent": [1, 2], "heir": [2, 3, 4]}
    assert last == [2]
    assert supabase.database.count(a_selection(parent)) == 2
    assert supabase.database.count_table(heir) == 3


@pytest.mark.parametrize("dry_run", [False, True])
@pytest.mark.usefixtures("family")
def test_a_restore_into_a_healthy_database_changes_nothing(
    supabase: SupabaseWorkbench, store: InMemoryObjectStore, dry_run: bool
) -> None:
    manifest = backed_up(supabase, store)

    report = restore(supabase.database, store, manifest, dry_run=dry_run)

    counts = {t.name.partition(".")[2]: (t.written, t.unchanged, t.refused) for t in report.tables}
    assert counts == {"parent": (0, 2, 0), "heir": (0, 3, 0)}
    assert manifest.warnings == report.warnings == ()
    assert all_rows(supabase) == ROWS


@pytest.mark.usefixtures("family")
def test_what_is_gone_comes_back_into_the_table_that_had_it(
    supabase: SupabaseWorkbench, store: InMemoryObjectStore
) -> None:
    manifest = backed_up(supabase, store)
    # only the parent's goes, and the heir's row of the same key stays
    supabase.execute("delete from only {schema}.parent where id = 2")
    supabase.execute("delete from {schema}.heir where id = 3")
    supabase.execute("update {schema}.heir set note = 'wrong' where id = 4")

    dry = restore(supabase.database, store, manifest, dry_run=True)
    report = restore(supabase.database, store, manifest)

    for reported in (dry, report):
        counts = {
            t.name.partition(".")[2]: (t.inserted, t.updated, t.unchanged) for t in reported.tables
        }
        assert counts == {"parent": (1, 0, 1), "heir": (1, 1, 1)}
    assert {t.rows_in_database for t in report.tables} == {2, 3}
    assert all_rows(supabase) == ROWS


def test_a_row_of_the_parent_is_not_taken_for_the_heirs(
    supabase: SupabaseWorkbench, family: tuple[Table, Table]
) -> None:
    parent, _ = family

    counts = upsert(supabase, parent, '{"id":3,"note":"parent 3"}')

    assert (counts.inserted, counts.updated, counts.unchanged) == (1, 0, 0)
    assert ("heir", 3, "heir 3") in all_rows(supabase)
    assert ("parent", 3, "parent 3") in all_rows(supabase)
