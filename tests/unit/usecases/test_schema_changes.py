from __future__ import annotations

import logging

import pytest

from supakeep.domain.manifest import BackupStatus, ChangeKind, Manifest, Trigger
from supakeep.domain.policy import BackupPolicy
from supakeep.domain.schema import Table
from tests.builders.backups import Nights
from tests.builders.tables import a_table
from tests.fakes.database import InMemoryDatabase
from tests.fakes.object_store import InMemoryObjectStore

CREDITS = a_table("credits", "balance numeric", "note text")
ORDERS = a_table("orders", "total numeric")
NAMED = BackupPolicy.parse('[backup]\ntables = ["credits"]')


@pytest.fixture
def nights() -> Nights:
    return Nights(InMemoryObjectStore())


def a_database(*tables: Table) -> InMemoryDatabase:
    database = InMemoryDatabase()
    for table in tables:
        database.add_table(table)
    return database


def changes(manifest: Manifest) -> list[tuple[ChangeKind, str, str | None]]:
    return [(change.kind, change.table, change.column) for change in manifest.changes]


def test_the_first_backup_has_nothing_to_differ_from(nights: Nights) -> None:
    assert nights.back_up(a_database(CREDITS)).changes == ()


def test_the_same_tables_have_not_changed_whatever_the_order_of_their_columns(
    nights: Nights,
) -> None:
    nights.back_up(a_database(CREDITS, ORDERS))
    turned = a_table("credits", "note text", "balance numeric")

    assert nights.back_up(a_database(ORDERS, turned)).changes == ()


def test_columns_that_are_gone_retyped_and_new_are_told_with_the_backup_before(
    nights: Nights, caplog: pytest.LogCaptureFixture
) -> None:
    before = nights.back_up(a_database(CREDITS))
    altered = a_table("credits", "balance integer", "plan text")

    with caplog.at_level(logging.INFO):
        manifest = nights.back_up(a_database(altered))

    assert changes(manifest) == [
        (ChangeKind.COLUMN_RETYPED, "public.credits", "balance"),
        (ChangeKind.COLUMN_GONE, "public.credits", "note"),
        (ChangeKind.COLUMN_NEW, "public.credits", "plan"),
    ]
    assert manifest.changes[0].message == (
        f"The column balance of public.credits is integer now, and numeric in {before.backup}"
    )
    assert {change.before for change in manifest.changes} == {before.backup}
    levels = {record.message: record.levelname for record in caplog.records}
    assert [levels[change.message] for change in manifest.changes] == ["WARNING", "WARNING", "INFO"]
    # whoever migrates a schema means it: rows are not lost by that
    assert manifest.status is BackupStatus.COMPLETE


def test_another_primary_key_is_told(nights: Nights) -> None:
    nights.back_up(a_database(CREDITS))
    keyed = a_table("credits", "balance numeric", "note text", primary_key=("id", "note"))

    [change] = nights.back_up(a_database(keyed)).changes

    assert change.kind is ChangeKind.KEY_CHANGED
    assert "(id, note) now, and (id) in" in change.message


def test_tables_that_are_new_and_gone_are_told(nights: Nights) -> None:
    nights.back_up(a_database(CREDITS))

    assert changes(nights.back_up(a_database(ORDERS))) == [
        (ChangeKind.TABLE_GONE, "public.credits", None),
        (ChangeKind.TABLE_NEW, "public.orders", None),
    ]


def test_a_new_table_that_the_policy_does_not_name_is_told_once(nights: Nights) -> None:
    nights.back_up(a_database(CREDITS), NAMED)

    first = nights.back_up(a_database(CREDITS, ORDERS), NAMED)
    second = nights.back_up(a_database(CREDITS, ORDERS), NAMED)

    assert changes(first) == [(ChangeKind.TABLE_NOT_COVERED, "public.orders", None)]
    assert second.changes == ()


def test_a_table_that_the_policy_leaves_out_now_is_told(nights: Nights) -> None:
    nights.back_up(a_database(CREDITS, ORDERS))

    assert changes(nights.back_up(a_database(CREDITS, ORDERS), NAMED)) == [
        (ChangeKind.TABLE_LEFT_OUT, "public.orders", None)
    ]


def test_the_backup_before_a_restore_is_compared_with_none(nights: Nights) -> None:
    nights.back_up(a_database(CREDITS))

    manifest = nights.back_up(a_database(ORDERS), trigger=Trigger.PRE_RESTORE)

    assert manifest.changes == ()


def test_a_column_that_the_policy_excludes_is_not_gone_nor_new_when_it_comes_back(
    nights: Nights,
) -> None:
    excluding = BackupPolicy.parse('[[table]]\nname = "credits"\nexclude_columns = ["note"]')
    nights.back_up(a_database(CREDITS))

    without = nights.back_up(a_database(CREDITS), excluding)

    assert [column.name for column in without.tables[0].columns] == ["id", "balance"]
    assert without.changes == ()
    assert nights.back_up(a_database(CREDITS)).changes == ()
