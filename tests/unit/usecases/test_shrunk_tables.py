from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import pytest

from supakeep.domain.manifest import BackupStatus, Manifest, Trigger
from supakeep.domain.policy import BackupPolicy
from supakeep.errors import DatabaseError, ExportError, StorageUnavailableError
from supakeep.usecases.find_backups import find_backup
from tests.builders.backups import (
    CUSTOMERS,
    ITEMS,
    ORDERS,
    Nights,
    a_shop,
    emptied,
    restore,
    tables_in,
)
from tests.builders.manifests import PROJECT, a_manifest
from tests.builders.planted import plant
from tests.builders.tables import a_table
from tests.fakes.database import FailingExportDatabase, InMemoryDatabase
from tests.fakes.object_store import InMemoryObjectStore
from tests.fakes.time import NOON

UNANSWERED = StorageUnavailableError("Storage did not answer", operation="list")


@pytest.fixture
def store() -> InMemoryObjectStore:
    return InMemoryObjectStore(piece_bytes=4096)


@pytest.fixture
def nights(store: InMemoryObjectStore) -> Nights:
    return Nights(store)


@pytest.fixture
def shop() -> InMemoryDatabase:
    return a_shop()


def lose(database: InMemoryDatabase, table: str, ids: Sequence[int] = range(1, 6)) -> None:
    for number in ids:
        database.delete(table, id=number)


def shrunk(manifest: Manifest) -> list[str | None]:
    return [shrinkage.table for shrinkage in manifest.shrinkage]


def some_rows(count: int, at: dt.datetime | None = None) -> list[dict[str, object]]:
    return [{"id": n, "at": None if at is None else at.isoformat()} for n in range(count)]


def test_a_table_that_lost_all_rows_makes_the_backup_partial_and_not_good(
    nights: Nights, shop: InMemoryDatabase, store: InMemoryObjectStore
) -> None:
    before = nights.back_up(shop)
    lose(shop, ITEMS)

    manifest = nights.back_up(shop)

    assert manifest.status is BackupStatus.PARTIAL
    assert not manifest.is_good
    [shrinkage] = manifest.shrinkage
    assert (shrinkage.table, shrinkage.rows, shrinkage.rows_before) == (ITEMS, 0, 5)
    assert shrinkage.before == before.backup
    assert shrinkage.message == f"{ITEMS} is empty, and had 5 rows in {before.backup}"
    assert shrinkage.hint is not None
    assert f"--accept-shrink {ITEMS}" in shrinkage.hint
    latest = find_backup([store], "latest", PROJECT, now=nights.clock.now())
    assert latest.manifest.backup == before.backup


def test_the_rows_that_are_left_are_whole_and_can_be_restored(
    nights: Nights, shop: InMemoryDatabase, store: InMemoryObjectStore
) -> None:
    nights.back_up(shop)
    lose(shop, ITEMS, range(1, 5))

    manifest = nights.back_up(shop)

    assert shrunk(manifest) == [ITEMS]
    assert [row["id"] for row in tables_in(store, manifest)[ITEMS]["rows"]] == [5]
    empty = emptied(a_shop())
    report = restore(empty, store, manifest)
    assert [row["id"] for row in empty.rows(ITEMS)] == [5]
    # whoever restores it is warned
    assert manifest.shrinkage[0].message in report.warnings


@pytest.mark.parametrize(("lost", "status"), [(2, "complete"), (3, "partial")])
def test_more_than_half_of_the_rows_is_too_much(
    nights: Nights, shop: InMemoryDatabase, lost: int, status: str
) -> None:
    nights.back_up(shop)
    lose(shop, ITEMS, range(1, lost + 1))
    assert nights.back_up(shop).status == status


def test_it_stays_partial_night_after_night_until_somebody_accepts_it(
    nights: Nights, shop: InMemoryDatabase
) -> None:
    before = nights.back_up(shop)
    lose(shop, ITEMS)
    for _ in range(3):
        manifest = nights.back_up(shop)
        assert manifest.status is BackupStatus.PARTIAL
        assert manifest.shrinkage[0].before == before.backup

    accepted = nights.back_up(shop, accept_shrink=["items"])

    assert accepted.is_good
    assert accepted.status is BackupStatus.COMPLETE
    assert accepted.warnings == (
        f"{ITEMS} is empty, and had 5 rows in {before.backup}; this was accepted",
    )
    assert nights.back_up(shop).is_good


@pytest.mark.parametrize("accepted", [["orders"], ["public.item"], []])
def test_accepting_another_table_accepts_nothing(
    nights: Nights, shop: InMemoryDatabase, accepted: list[str]
) -> None:
    nights.back_up(shop)
    lose(shop, ITEMS)
    assert shrunk(nights.back_up(shop, accept_shrink=accepted)) == [ITEMS]


@pytest.mark.parametrize("pattern", ["items", ITEMS, "*", "it*"])
def test_a_table_may_be_exempted_by_its_name_or_a_pattern(
    nights: Nights, shop: InMemoryDatabase, pattern: str
) -> None:
    policy = BackupPolicy.parse(f'[backup]\ntables = "*"\n[alarms]\nmay_shrink = ["{pattern}"]')
    nights.back_up(shop, policy)
    lose(shop, ITEMS)
    manifest = nights.back_up(shop, policy)
    assert (manifest.status, manifest.warnings) == ("complete", ())


def test_a_table_that_was_dropped_lost_its_rows_too(nights: Nights, shop: InMemoryDatabase) -> None:
    before = nights.back_up(shop)
    shop.drop_table(ITEMS)

    manifest = nights.back_up(shop)

    assert shrunk(manifest) == [ITEMS]
    assert manifest.shrinkage[0].message == f"{ITEMS} is gone, and had 5 rows in {before.backup}"
    assert shrunk(nights.back_up(shop)) == [ITEMS]
    assert nights.back_up(shop, accept_shrink=[ITEMS]).is_good
    assert nights.back_up(shop).is_good


def test_a_table_that_was_renamed_lost_nothing(nights: Nights) -> None:
    database = InMemoryDatabase()
    database.add_table(a_table("carts", "at timestamptz"), some_rows(10))
    database.add_table(a_table("others"), [{"id": 1}])
    nights.back_up(database)
    database.drop_table("public.carts")
    database.add_table(a_table("baskets", "at timestamptz"), some_rows(9))

    manifest = nights.back_up(database)

    assert manifest.is_good
    assert manifest.warnings == ("public.carts is gone; public.baskets has its columns and rows",)


@pytest.mark.parametrize(
    ("columns", "rows"), [(("at timestamptz", "more"), 10), (("at timestamptz",), 4)]
)
def test_a_new_table_with_other_columns_or_fewer_rows_is_no_renamed_one(
    nights: Nights, columns: tuple[str, ...], rows: int
) -> None:
    database = InMemoryDatabase()
    database.add_table(a_table("carts", "at timestamptz"), some_rows(10))
    nights.back_up(database)
    database.drop_table("public.carts")
    database.add_table(a_table("baskets", *columns), some_rows(rows))
    assert shrunk(nights.back_up(database)) == ["public.carts"]


def test_a_table_that_left_the_policy_lost_nothing(nights: Nights, shop: InMemoryDatabase) -> None:
    nights.back_up(shop)
    policy = BackupPolicy.parse('[backup]\ntables = "*"\nexclude = ["items"]')
    assert nights.back_up(shop, policy).is_good
    # nor did it when it comes back with fewer rows: nobody knows what happened meanwhile
    lose(shop, ITEMS, range(1, 5))
    assert nights.back_up(shop).is_good


@pytest.mark.parametrize("last_rows", [1, 3, 100])
def test_a_narrower_window_of_rows_is_no_shrinkage(
    nights: Nights, shop: InMemoryDatabase, last_rows: int
) -> None:
    nights.back_up(shop)
    policy = BackupPolicy.parse(
        f'[[table]]\nname = "items"\nlast_rows = {last_rows}\norder_by = "id"'
    )
    manifest = nights.back_up(shop, policy)
    assert (manifest.status, manifest.rows) == ("complete", min(5, last_rows))


def test_a_full_window_that_is_half_empty_has_shrunk(
    nights: Nights, shop: InMemoryDatabase
) -> None:
    policy = BackupPolicy.parse('[[table]]\nname = "items"\nlast_rows = 5\norder_by = "id"')
    nights.back_up(shop, policy)
    lose(shop, ITEMS, range(1, 4))
    assert shrunk(nights.back_up(shop, policy)) == [ITEMS]


DAYS = '[[table]]\nname = "visits"\nlast_days = {}\ntime_column = "at"'


def a_database_of_visits(at: dt.datetime, count: int = 10) -> InMemoryDatabase:
    database = InMemoryDatabase()
    database.add_table(a_table("visits", "at timestamptz"), some_rows(count, at))
    return database


def test_rows_that_only_grew_too_old_for_their_window_are_not_lost(nights: Nights) -> None:
    """A burst of rows leaves a window of days in one night, and all of them are still there."""
    policy = BackupPolicy.parse(DAYS.format(7))
    database = a_database_of_visits(NOON - dt.timedelta(days=5))
    assert nights.back_up(database, policy).rows == 10
    nights.clock.advance(days=1)

    manifest = nights.back_up(database, policy)

    assert (manifest.rows, manifest.status) == (0, BackupStatus.COMPLETE)


def test_rows_of_a_window_of_days_that_were_deleted_are_lost(nights: Nights) -> None:
    policy = BackupPolicy.parse(DAYS.format(7))
    database = a_database_of_visits(NOON)
    nights.back_up(database, policy)
    lose(database, "public.visits", range(10))
    assert shrunk(nights.back_up(database, policy)) == ["public.visits"]


@pytest.mark.parametrize("before", ['[backup]\ntables = "*"', DAYS.format(30)])
def test_a_narrower_window_of_days_is_no_shrinkage_and_a_deletion_beside_it_is(
    nights: Nights, before: str
) -> None:
    database = a_database_of_visits(NOON - dt.timedelta(days=20))
    nights.back_up(database, BackupPolicy.parse(before))
    narrower = BackupPolicy.parse(DAYS.format(7))
    assert nights.back_up(database, narrower).status is BackupStatus.COMPLETE

    again = Nights(InMemoryObjectStore())
    again.back_up(database, BackupPolicy.parse(before))
    lose(database, "public.visits", range(8))
    assert shrunk(again.back_up(database, narrower)) == ["public.visits"]


def test_the_first_backup_compares_with_nothing(nights: Nights, shop: InMemoryDatabase) -> None:
    assert nights.back_up(emptied(shop)).is_good


def test_each_table_is_compared_with_the_newest_backup_that_had_it_whole(nights: Nights) -> None:
    failures: dict[str, tuple[int, DatabaseError]] = {}
    failing = FailingExportDatabase(failures)
    a_shop(failing)
    first = nights.back_up(failing)
    failures[ORDERS] = (1, ExportError("The export failed", operation="export"))
    failing.insert(CUSTOMERS, *({"id": n, "name": "x", "balance": 1} for n in range(6, 21)))
    second = nights.back_up(failing)
    assert not second.is_good
    del failures[ORDERS]
    lose(failing, ITEMS)
    lose(failing, ORDERS)
    lose(failing, CUSTOMERS, range(1, 16))

    before = {s.table: s.before for s in nights.back_up(failing).shrinkage}

    assert before == {CUSTOMERS: second.backup, ITEMS: second.backup, ORDERS: first.backup}


def test_the_mirror_is_compared_with_where_storage_lost_its_backups(
    shop: InMemoryDatabase,
) -> None:
    """Whoever empties a project can empty its Storage, too."""
    mirror = InMemoryObjectStore("mirror", piece_bytes=4096)
    Nights(InMemoryObjectStore(), mirror).back_up(shop)
    nights = Nights(InMemoryObjectStore(), mirror)
    nights.clock.advance(days=1)
    lose(shop, ITEMS)
    assert shrunk(nights.back_up(shop)) == [ITEMS]


def test_a_backup_of_one_store_that_was_accepted_is_not_undone_by_another_one(
    shop: InMemoryDatabase, store: InMemoryObjectStore
) -> None:
    mirror = InMemoryObjectStore("mirror", piece_bytes=4096)
    Nights(store, mirror).back_up(shop)
    shop.drop_table(ITEMS)
    nights = Nights(store)
    nights.clock.advance(days=1)
    nights.back_up(shop, accept_shrink=["items"])
    both = Nights(store, mirror)
    both.clock.advance(days=2)
    assert both.back_up(shop).is_good


def test_a_backup_whose_copies_differ_is_passed_over_for_the_one_before(
    shop: InMemoryDatabase, store: InMemoryObjectStore
) -> None:
    """Whoever plants a backup in one store could hide with it that rows were lost."""
    mirror = InMemoryObjectStore("mirror", piece_bytes=4096)
    nights = Nights(store, mirror)
    first, second = nights.back_up(shop), nights.back_up(shop)
    lose(shop, ITEMS)
    plant(mirror, shop, second)

    (found,) = nights.back_up(shop).shrinkage

    assert (found.table, found.before) == (ITEMS, first.backup)


FORMER_MANIFEST = "daily/backup_jewelshot_2026-11-01.manifest.json"


class BlindObjectStore(InMemoryObjectStore):
    """Does not give the former manifest back."""

    def read(self, key: str) -> Any:
        if key == FORMER_MANIFEST:
            raise UNANSWERED
        return super().read(key)


def test_a_backup_that_cannot_be_compared_does_not_count_as_good(shop: InMemoryDatabase) -> None:
    store = BlindObjectStore()
    store.place(FORMER_MANIFEST, b"{}")

    manifest = Nights(store).back_up(shop)

    assert (manifest.status, manifest.is_good) == (BackupStatus.PARTIAL, False)
    assert "could not be read" in manifest.shrinkage[0].message
    assert manifest.rows == 15


def test_an_undo_copy_compares_with_nothing(nights: Nights, shop: InMemoryDatabase) -> None:
    nights.back_up(shop)
    lose(shop, ITEMS)
    undo = nights.back_up(shop, trigger=Trigger.PRE_RESTORE)
    assert (undo.status, undo.shrinkage) == (BackupStatus.COMPLETE, ())
    assert shrunk(nights.back_up(shop)) == [ITEMS]


def test_a_backup_of_the_future_is_not_compared_with(
    nights: Nights, shop: InMemoryDatabase, store: InMemoryObjectStore
) -> None:
    ahead = Nights(store)
    ahead.clock.advance(days=365)
    ahead.back_up(shop)
    assert nights.back_up(emptied(shop)).is_good


def test_manifests_of_earlier_versions_have_lost_nothing() -> None:
    fields = a_manifest().model_dump(exclude={"shrinkage"})
    assert Manifest.model_validate(fields).is_good
