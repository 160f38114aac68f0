from __future__ import annotations

import hashlib
from typing import NoReturn

import pytest

from supakeep.archive.manifest import parse_manifest
from supakeep.domain.manifest import BackupStatus
from supakeep.domain.policy import BackupPolicy
from supakeep.domain.schema import Catalog
from supakeep.errors import (
    BucketNotFoundError,
    DatabasePermissionError,
    DatabaseUnavailableError,
    DeadlineExceededError,
    ExportError,
    ObjectAlreadyExistsError,
    StorageError,
    StorageUnavailableError,
)
from tests.builders.backups import (
    CUSTOMERS,
    ITEMS,
    NAME,
    ORDERS,
    a_shop,
    back_up,
    document_of,
    manifests_in,
    tables_in,
)
from tests.builders.tables import a_table
from tests.fakes.database import FailingExportDatabase, InMemoryDatabase
from tests.fakes.faulty_object_store import FailingObjectStore
from tests.fakes.object_store import InMemoryObjectStore
from tests.fakes.runs import InMemoryProgress
from tests.fakes.storage_server import InMemoryStorageServer
from tests.fakes.time import ExpiringDeadline, FixedClock

UNAVAILABLE = DatabaseUnavailableError("The database did not answer", operation="query")


def test_a_backup_is_a_document_and_a_manifest_that_agree() -> None:
    shop, store = a_shop(), InMemoryObjectStore()

    manifest = back_up(shop, store)

    assert sorted(store.objects) == [NAME.manifest_key, NAME.document_key]
    assert parse_manifest(store.objects[NAME.manifest_key], NAME.manifest_key) == manifest
    assert manifest.status is BackupStatus.COMPLETE
    assert [entry.name for entry in manifest.tables] == [CUSTOMERS, ITEMS, ORDERS]
    assert [entry.rows for entry in manifest.tables] == [5, 5, 5]
    [volume] = manifest.volumes
    content = store.objects[NAME.document_key]
    assert (volume.key, volume.bytes) == (NAME.document_key, len(content))
    assert volume.sha256 == hashlib.sha256(content).hexdigest()


def test_the_document_holds_every_row_with_every_digit() -> None:
    shop, store = a_shop(), InMemoryObjectStore()

    manifest = back_up(shop, store)

    tables = tables_in(store, manifest)
    assert {name: table["rows"] for name, table in tables.items()} == {
        name: shop.rows(name) for name in (CUSTOMERS, ITEMS, ORDERS)
    }
    assert b"5.10000000000000000001" in store.objects[NAME.document_key]


def test_children_stand_before_their_parents_in_the_document() -> None:
    shop, store = a_shop(), InMemoryObjectStore()

    manifest = back_up(shop, store)

    assert list(tables_in(store, manifest)) == [ITEMS, ORDERS, CUSTOMERS]


def test_every_row_stands_on_a_line_of_its_own() -> None:
    shop, store = a_shop(), InMemoryObjectStore()

    manifest = back_up(shop, store)

    lines = document_of(store, manifest).splitlines()
    rows = [line.removesuffix(b",") for line in lines if line.startswith(b'{"id"')]
    assert rows == [*shop.texts(ITEMS), *shop.texts(ORDERS), *shop.texts(CUSTOMERS)]


def test_a_table_without_rows_makes_a_valid_document() -> None:
    database, store = InMemoryDatabase(), InMemoryObjectStore()
    for name in ("a", "b"):
        database.add_table(a_table(name))

    manifest = back_up(database, store)

    assert [table["rows"] for table in tables_in(store, manifest).values()] == [[], []]
    assert manifest.status is BackupStatus.COMPLETE
    assert [entry.parts for entry in manifest.tables] == [(), ()]


def test_a_limit_keeps_only_the_last_rows() -> None:
    shop, store = a_shop(), InMemoryObjectStore()
    policy = BackupPolicy.parse('[[table]]\nname = "orders"\nlast_rows = 3\norder_by = "id"')

    manifest = back_up(shop, store, policy=policy)

    assert tables_in(store, manifest)[ORDERS]["rows"] == list(reversed(shop.rows(ORDERS)))[:3]
    assert manifest.warnings == ()
    assert manifest.uncovered_tables == (CUSTOMERS, ITEMS)


def test_a_policy_that_selects_nothing_makes_no_backup() -> None:
    shop, store = a_shop(), InMemoryObjectStore()
    policy = BackupPolicy.parse('[backup]\ntables = "nothing_*"')

    with pytest.raises(ExportError, match="The policy selects no table of this database"):
        back_up(shop, store, policy=policy)

    assert store.objects == {}


def test_a_database_that_does_not_answer_makes_no_backup() -> None:
    class DeadDatabase(InMemoryDatabase):
        def catalog(self) -> Catalog:
            raise UNAVAILABLE

    store = InMemoryObjectStore()

    with pytest.raises(DatabaseUnavailableError):
        back_up(DeadDatabase(), store)

    assert store.objects == {}


def test_progress_ends_with_the_rows_of_each_table() -> None:
    shop = FailingExportDatabase({ORDERS: (1, UNAVAILABLE)})
    a_shop(shop)
    progress = InMemoryProgress()

    back_up(shop, InMemoryObjectStore(), progress=progress)

    assert progress.tables == {
        ITEMS: (5, "complete"),
        ORDERS: (2, "failed"),
        CUSTOMERS: (5, "complete"),
    }


@pytest.mark.parametrize("nth", range(1, 9))
def test_when_the_primary_fails_there_is_no_manifest_anywhere_it_could_mislead(nth: int) -> None:
    store, mirror = InMemoryObjectStore(), InMemoryObjectStore("mirror")
    primary = FailingObjectStore(store, "put", nth=nth)

    with pytest.raises(StorageUnavailableError):
        back_up(a_shop(), primary, mirror, max_object_bytes=300)

    assert manifests_in(store) == []
    for key in manifests_in(mirror):
        # the manifest itself was what failed: the mirror's copy is whole
        manifest = parse_manifest(mirror.objects[key], key)
        assert document_of(mirror, manifest)


def test_a_missing_bucket_is_reported_in_the_words_of_the_guide() -> None:
    store = InMemoryObjectStore()
    store.has_bucket = False

    with pytest.raises(BucketNotFoundError) as failed:
        back_up(a_shop(), store)

    assert failed.value.message == "Upload failed: Storage bucket not found"
    assert failed.value.hint is not None
    assert "`supakeep migration`" in failed.value.hint


@pytest.mark.parametrize("key", [NAME.document_key, NAME.manifest_key])
def test_nothing_that_is_there_already_is_overwritten(key: str) -> None:
    store = InMemoryObjectStore()
    store.place(key, b"what was there")

    with pytest.raises(ObjectAlreadyExistsError):
        back_up(a_shop(), store)

    assert store.objects[key] == b"what was there"


def test_a_backup_that_is_made_twice_under_one_name_stays_the_first() -> None:
    store = InMemoryObjectStore()
    back_up(a_shop(), store)
    before = dict(store.objects)

    with pytest.raises(ObjectAlreadyExistsError):
        back_up(a_shop(), store)

    assert store.objects == before


@pytest.mark.parametrize("checks", [0, 1, 4])
def test_when_the_time_runs_out_there_is_no_manifest(checks: int) -> None:
    store = InMemoryObjectStore()

    with pytest.raises(DeadlineExceededError):
        back_up(a_shop(), store, deadline=ExpiringDeadline(checks))

    assert manifests_in(store) == []


def test_the_manifest_tells_when_the_backup_began_and_ended() -> None:
    manifest = back_up(a_shop(), InMemoryObjectStore(), clock=FixedClock(tick_seconds=30))

    assert manifest.duration_seconds == 30


def test_nothing_is_read_or_stored_where_the_bucket_is_public() -> None:
    shop, server = a_shop(), InMemoryStorageServer(is_public=True)

    with pytest.raises(StorageError, match='The bucket "backups" is public'):
        back_up(shop, server.store())

    assert server.objects == {}
    server.is_public = False
    assert back_up(shop, server.store()).status is BackupStatus.COMPLETE


class KeyRefusingDatabase(InMemoryDatabase):
    """Refuses the key, as the Data API does with the publishable one."""

    def catalog(self) -> NoReturn:
        raise DatabasePermissionError("Permission denied", operation="read catalog")


def test_a_wrong_key_is_reported_as_such_though_storage_hides_the_bucket_from_it() -> None:
    store = InMemoryObjectStore()
    store.has_bucket = False

    with pytest.raises(DatabasePermissionError):
        back_up(KeyRefusingDatabase(), store)
