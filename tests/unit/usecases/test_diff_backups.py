from __future__ import annotations

import datetime as dt

import pytest

from supakeep.archive.reader import BackupReader
from supakeep.domain.backup_diff import DiffReport, DiffStatus, RowDifference, TableDiff
from supakeep.domain.backup_name import BackupName
from supakeep.domain.manifest import TableStatus
from supakeep.domain.policy import BackupPolicy
from supakeep.errors import ChecksumError
from supakeep.usecases.diff_backups import DiffBackups
from supakeep.usecases.diff_sides import BackupSide, database_side
from tests.builders.backups import CUSTOMERS, EVERYTHING, ITEMS, ORDERS, a_shop, back_up
from tests.builders.manifests import PROJECT
from tests.builders.tables import a_table
from tests.fakes.database import InMemoryDatabase
from tests.fakes.object_store import InMemoryObjectStore
from tests.fakes.runs import InMemoryProgress
from tests.fakes.time import NOON

LATER = BackupName.timed(PROJECT, NOON + dt.timedelta(hours=1))


def reader(
    shop: InMemoryDatabase, *, name: BackupName | None = None, policy: BackupPolicy = EVERYTHING
) -> BackupReader:
    store = InMemoryObjectStore(piece_bytes=50)
    manifest = (
        back_up(shop, store, policy=policy)
        if name is None
        else back_up(shop, store, policy=policy, name=name)
    )
    return BackupReader(manifest, [store])


def between(before: BackupReader, after: BackupReader, most_rows: int = 0) -> DiffReport:
    return DiffBackups(InMemoryProgress(), most_rows)(before, BackupSide(after))


def with_database(before: BackupReader, shop: InMemoryDatabase, most_rows: int = 0) -> DiffReport:
    with database_side(shop, PROJECT, before.manifest) as side:
        return DiffBackups(InMemoryProgress(), most_rows)(before, side)


def table(report: DiffReport, name: str) -> TableDiff:
    return next(found for found in report.tables if found.table == name)


def change(shop: InMemoryDatabase) -> None:
    """One customer more, one less, and one with another balance."""
    shop.delete(CUSTOMERS, id=2)
    shop.insert(
        CUSTOMERS,
        b'{"id":3,"name":"customer 3","balance":3.10000000000000000002}',
        b'{"id":9,"name":null,"balance":0}',
    )


EXPECTED = (
    RowDifference(
        change="changed",
        key={"id": "3"},
        columns={"balance": ("3.10000000000000000001", "3.10000000000000000002")},
    ),
    RowDifference(
        change="removed",
        key={"id": "2"},
        columns={"name": ('"customer 2"', None), "balance": ("2.10000000000000000001", None)},
    ),
    RowDifference(
        change="added", key={"id": "9"}, columns={"name": (None, "null"), "balance": (None, "0")}
    ),
)


@pytest.mark.parametrize("against", ["backup", "database"])
def test_rows_added_removed_and_changed_are_counted_and_shown(against: str) -> None:
    shop = a_shop()
    before = reader(shop)
    change(shop)

    if against == "backup":
        report = between(before, reader(shop, name=LATER), most_rows=10)
    else:
        report = with_database(before, shop, most_rows=10)

    assert (report.before, report.after_is_database) == (
        before.manifest.backup,
        against == "database",
    )
    assert report.after == (LATER.text if against == "backup" else PROJECT)
    assert table(report, CUSTOMERS) == TableDiff(
        table=CUSTOMERS,
        status=DiffStatus.CHANGED,
        rows_before=5,
        rows_after=5,
        added=1,
        removed=1,
        changed=1,
        rows=EXPECTED,
    )
    for name in (ITEMS, ORDERS):
        assert table(report, name).status is DiffStatus.SAME


def test_only_so_many_rows_are_kept_and_all_are_counted() -> None:
    shop = a_shop()
    before = reader(shop)
    shop.insert(CUSTOMERS, *({"id": n, "name": "new", "balance": 0} for n in range(100, 200)))

    found = table(between(before, reader(shop), most_rows=3), CUSTOMERS)

    assert (found.added, len(found.rows)) == (100, 3)


def test_a_table_with_the_same_checksums_is_not_read() -> None:
    shop = a_shop()
    before, after = reader(shop), reader(shop, name=LATER)
    for store in (*before.stores, *after.stores):
        assert isinstance(store, InMemoryObjectStore)
        store.objects.clear()

    report = between(before, after)

    assert {found.status for found in report.tables} == {DiffStatus.SAME}


def test_tables_that_only_one_side_has_are_named() -> None:
    shop = a_shop()
    before = reader(shop)
    shop.drop_table(ITEMS)
    shop.add_table(a_table("coupons"), [{"id": 1}])

    stored, live = between(before, reader(shop)), with_database(before, shop)

    for report in (stored, live):
        assert table(report, ITEMS).status is DiffStatus.REMOVED
        assert table(report, ITEMS).removed == 5
        assert table(report, "public.coupons").status is DiffStatus.ADDED
    assert table(stored, "public.coupons").added == 1
    assert table(live, "public.coupons").added is None


def test_a_table_without_a_key_is_counted_only_and_says_so() -> None:
    before = reader(a_shop())
    entry = before.manifest.tables[0].model_copy(update={"primary_key": ()})
    later = entry.model_copy(update={"rows": 7, "parts": ()})
    first = before.manifest.model_copy(update={"tables": (entry,)})
    second = before.manifest.model_copy(update={"tables": (later,)})

    report = between(BackupReader(first, before.stores), BackupReader(second, before.stores))

    [found] = report.tables
    assert (found.status, found.rows_before, found.rows_after) == (DiffStatus.COUNTED, 5, 7)
    assert (found.added, found.removed, found.changed) == (None, None, None)
    assert found.notes == ("it has no primary key, so only its rows were counted",)


def test_columns_that_came_and_went_are_named_and_not_compared() -> None:
    shop = a_shop()
    before = reader(shop)
    shop.drop_table(CUSTOMERS)
    shop.add_table(
        a_table("customers", "name text", "credit numeric"),
        [b'{"id":%d,"name":"customer %d","credit":1}' % (n, n) for n in range(1, 6)],
    )

    found = table(with_database(before, shop), CUSTOMERS)

    assert (found.status, found.changed) == (DiffStatus.SAME, 0)
    assert found.notes == (
        "column balance was removed; it is not compared",
        "column credit was added; it is not compared",
    )


def test_the_database_is_read_by_the_window_of_the_backup() -> None:
    policy = BackupPolicy.parse('[[table]]\nname = "customers"\nlast_rows = 3\norder_by = "id"')
    shop = a_shop()
    before = reader(shop, policy=policy)

    found = table(with_database(before, shop), CUSTOMERS)

    assert (found.status, found.rows_before, found.rows_after) == (DiffStatus.SAME, 3, 3)
    assert found.notes == (
        "only the last 3 by id are compared: a row that left them counts as removed",
    )


def test_a_table_that_cannot_be_read_fails_and_the_others_are_compared() -> None:
    shop = a_shop()
    before = reader(shop)
    refused = shop.catalog().tables[CUSTOMERS].model_copy(update={"readable": False})
    shop.drop_table(CUSTOMERS)
    shop.add_table(refused)

    report = with_database(before, shop)

    found = table(report, CUSTOMERS)
    assert found.status is DiffStatus.FAILED
    assert not report.is_whole
    assert "Permission denied for table public.customers" in found.notes[0]
    assert "grant select" in found.notes[0].lower()
    assert table(report, ORDERS).status is DiffStatus.SAME


def test_a_table_that_is_incomplete_in_a_backup_is_not_compared() -> None:
    before = reader(a_shop())
    tables = tuple(
        entry.model_copy(update={"status": TableStatus.FAILED}) if entry.name == ITEMS else entry
        for entry in before.manifest.tables
    )
    broken = BackupReader(before.manifest.model_copy(update={"tables": tables}), before.stores)

    for report in (between(broken, before), between(before, broken)):
        found = table(report, ITEMS)
        assert found.status is DiffStatus.FAILED
        assert found.notes == (f"it is incomplete in {before.manifest.backup}",)


def test_damage_is_an_error_and_no_difference() -> None:
    shop = a_shop()
    before = reader(shop)
    change(shop)
    after = reader(shop, name=LATER)
    [store] = after.stores
    assert isinstance(store, InMemoryObjectStore)
    key = after.manifest.volumes[0].key
    store.place(key, store.objects[key].replace(b"customer 1", b"customer 7"))

    with pytest.raises(ChecksumError):
        between(before, after)
