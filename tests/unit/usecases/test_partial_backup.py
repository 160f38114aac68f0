from __future__ import annotations

from collections.abc import Iterator

import pytest

from supakeep.domain.engine import POSTGRES
from supakeep.domain.manifest import BackupStatus, Manifest
from supakeep.domain.plan import Selection
from supakeep.errors import (
    DatabasePermissionError,
    DatabaseUnavailableError,
    ExportError,
)
from supakeep.ports import Rows
from tests.builders.backups import (
    CUSTOMERS,
    ITEMS,
    ORDERS,
    a_shop,
    back_up,
    manifests_in,
    tables_in,
)
from tests.builders.tables import a_table
from tests.fakes.database import FailingExportDatabase, InMemoryDatabase
from tests.fakes.object_store import InMemoryObjectStore

UNAVAILABLE = DatabaseUnavailableError("The database did not answer", operation="query")


def test_a_table_that_fails_midway_leaves_the_others_whole_and_the_document_valid() -> None:
    shop = FailingExportDatabase({ORDERS: (1, UNAVAILABLE)})
    a_shop(shop)
    store = InMemoryObjectStore()

    manifest = back_up(shop, store)

    assert manifest.status is BackupStatus.PARTIAL
    assert not manifest.is_good
    tables = tables_in(store, manifest)
    assert tables[ORDERS]["incomplete"] == "The database did not answer"
    assert tables[ORDERS]["rows"] == shop.rows(ORDERS)[:2]
    for name in (CUSTOMERS, ITEMS):
        assert tables[name]["rows"] == shop.rows(name)
        assert "incomplete" not in tables[name]
    entry = manifest.entry(ORDERS)
    assert entry is not None
    assert (entry.status, entry.rows, entry.parts) == ("failed", 2, ())
    assert entry.error is not None
    assert entry.error.message == "The database did not answer"


@pytest.mark.parametrize("failing", [(ITEMS,), (CUSTOMERS,), (ITEMS, ORDERS), (ORDERS, CUSTOMERS)])
@pytest.mark.parametrize("portions", [0, 2])
def test_whichever_tables_fail_the_document_stays_valid(
    failing: tuple[str, ...], portions: int
) -> None:
    shop = FailingExportDatabase(dict.fromkeys(failing, (portions, UNAVAILABLE)))
    a_shop(shop)
    store = InMemoryObjectStore()

    manifest = back_up(shop, store)

    tables = tables_in(store, manifest)
    assert {name for name, table in tables.items() if "incomplete" in table} == set(failing)
    assert len(manifest_failures(manifest)) == len(failing)


def manifest_failures(manifest: Manifest) -> list[str]:
    return [entry.name for entry in manifest.tables if entry.status == "failed"]


def test_a_table_that_may_not_be_read_is_named_with_the_grant_and_the_rest_kept() -> None:
    shop, store = a_shop(), InMemoryObjectStore()
    shop.add_table(a_table("secret", readable=False))

    manifest = back_up(shop, store)

    assert manifest.status is BackupStatus.PARTIAL
    assert manifest_failures(manifest) == ["public.secret"]
    entry = manifest.entry("public.secret")
    assert entry is not None
    assert entry.error is not None
    assert entry.error.message == "Permission denied for table public.secret"
    assert entry.error.hint is not None
    assert 'GRANT SELECT ON "public"."secret" TO service_role;' in entry.error.hint
    assert sorted(tables_in(store, manifest)) == [CUSTOMERS, ITEMS, ORDERS]


def test_where_every_table_fails_there_is_no_backup() -> None:
    denied = DatabasePermissionError("Permission denied", operation="export", hint="GRANT it")
    shop = FailingExportDatabase(dict.fromkeys((CUSTOMERS, ORDERS, ITEMS), (1, denied)))
    a_shop(shop)
    store, mirror = InMemoryObjectStore(), InMemoryObjectStore("mirror")

    with pytest.raises(ExportError, match="No table could be exported") as failed:
        back_up(shop, store, mirror)

    assert "Permission denied" in failed.value.message
    assert failed.value.hint == "GRANT it"
    assert manifests_in(store) == manifests_in(mirror) == []


def test_rows_that_were_written_meanwhile_are_reported() -> None:
    class BusyDatabase(InMemoryDatabase):
        def count(self, selection: object) -> int:
            return super().count(selection) + 1  # type: ignore[arg-type]

    shop, store = BusyDatabase(), InMemoryObjectStore()
    shop.add_table(a_table("orders"), [{"id": 1}])

    manifest = back_up(shop, store)

    assert manifest.status is BackupStatus.COMPLETE
    assert manifest.warnings == (
        "public.orders: 1 rows exported, 2 counted afterwards; rows were written meanwhile",
    )


class ForgetfulDatabase(InMemoryDatabase):
    """Leaves the first order out."""

    def export(self, selection: Selection) -> Iterator[Rows]:
        portions = super().export(selection)
        if selection.table.qualified_name == ORDERS:
            first = next(portions)
            yield Rows(first.lines.partition(b",\n")[2], first.count - 1)
        yield from portions


def test_a_table_of_which_rows_are_missing_fails() -> None:
    shop, store = ForgetfulDatabase(), InMemoryObjectStore()
    shop.add_table(a_table("orders"), [{"id": n} for n in range(5)])
    shop.add_table(a_table("empty"))

    manifest = back_up(shop, store)

    orders = manifest.entry(ORDERS)
    assert manifest.status is BackupStatus.PARTIAL
    assert orders is not None
    assert orders.error is not None
    assert "4 were exported, 5 stand in the table" in orders.error.message
    assert orders.parts == ()


def test_rows_that_came_after_the_export_began_are_not_missing() -> None:
    class GrowingDatabase(InMemoryDatabase):
        def export(self, selection: Selection) -> Iterator[Rows]:
            yield from super().export(selection)
            self.insert(ORDERS, {"id": 7})
            self.insert(ORDERS, {"id": 1})
            self.delete(ORDERS, id=2)

    shop, store = GrowingDatabase(), InMemoryObjectStore()
    shop.add_table(a_table("orders"), [{"id": 1}, {"id": 2}])
    shop.add_table(a_table("customers"), [{"id": 1}])

    manifest = back_up(shop, store)

    assert manifest.status is BackupStatus.COMPLETE


class EmptiedDatabase(InMemoryDatabase):
    """Loses all orders but one after the first portion."""

    def export(self, selection: Selection) -> Iterator[Rows]:
        for portion in super().export(selection):
            yield portion
            for number in range(1, 5):
                self.delete(ORDERS, id=number)


@pytest.mark.parametrize(
    ("portion_rows", "status"), [(2, BackupStatus.PARTIAL), (10, BackupStatus.COMPLETE)]
)
def test_a_table_that_was_emptied_between_two_portions_fails(
    portion_rows: int, status: BackupStatus
) -> None:
    shop, store = EmptiedDatabase(portion_rows=portion_rows), InMemoryObjectStore()
    shop.add_table(a_table("orders"), [{"id": n} for n in range(5)])
    shop.add_table(a_table("customers"), [{"id": 1}])

    assert back_up(shop, store).status is status


def test_a_count_that_fails_is_reported_and_costs_nothing() -> None:
    class UncountableDatabase(InMemoryDatabase):
        def count(self, selection: object) -> int:  # noqa: ARG002
            raise UNAVAILABLE

    shop, store = UncountableDatabase(), InMemoryObjectStore()
    shop.add_table(a_table("orders"), [{"id": 1}])

    manifest = back_up(shop, store)

    assert manifest.status is BackupStatus.COMPLETE
    assert manifest.warnings == (
        "public.orders: could not be counted afterwards: The database did not answer",
    )


def test_a_lost_connection_ends_a_backup_that_is_of_one_moment() -> None:
    shop = FailingExportDatabase({ORDERS: (1, UNAVAILABLE)}, engine=POSTGRES)
    a_shop(shop)
    store = InMemoryObjectStore()

    with pytest.raises(DatabaseUnavailableError):
        back_up(shop, store)

    assert manifests_in(store) == []
