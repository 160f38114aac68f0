"""A backup is deleted for good only where nothing speaks against it, in any store."""

from __future__ import annotations

import datetime as dt

import pytest

from supakeep.domain.backup_name import BackupName
from supakeep.domain.deletion import DeleteReport
from supakeep.errors import (
    BackupNotFoundError,
    ObjectLockedError,
    StorageUnavailableError,
    UnsafeOperationError,
)
from supakeep.ports import ObjectStore
from supakeep.usecases.delete_backup import delete_backup
from supakeep.usecases.pin_backup import PinBackup
from tests.builders.manifests import PROJECT, place_backup
from tests.fakes.faulty_object_store import FailingObjectStore
from tests.fakes.object_store import InMemoryObjectStore
from tests.fakes.time import NOON
from tests.unit.usecases.pruning import days_ago, name, names_in, prune

OLD = name(8)


@pytest.fixture
def mirror() -> InMemoryObjectStore:
    """Holds two of the nine nights."""
    store = InMemoryObjectStore("mirror", piece_bytes=4096)
    for days in (0, 8):
        place_backup(store, at=days_ago(days))
    return store


def delete(*stores: ObjectStore, backup: BackupName = OLD, dry_run: bool = False) -> DeleteReport:
    return delete_backup(backup, stores, NOON, dry_run=dry_run)


def test_every_object_goes_from_each_store_and_no_other(
    nine_nights: InMemoryObjectStore, mirror: InMemoryObjectStore
) -> None:
    nine_nights.place(OLD.volume_key(2), b"a volume")
    others = {key: value for key, value in nine_nights.objects.items() if OLD.text not in key}

    report = delete(nine_nights, mirror, InMemoryObjectStore("offsite"))

    assert nine_nights.objects == others
    assert names_in(mirror) == [name(0)]
    assert [(s.store, len(s.removed), s.left) for s in report.stores] == [
        ("primary", 3, ()),
        ("mirror", 2, ()),
    ]
    assert report.is_whole


def test_a_dry_run_says_what_would_go_and_removes_nothing(
    nine_nights: InMemoryObjectStore,
) -> None:
    before = dict(nine_nights.objects)

    [store] = delete(nine_nights, dry_run=True).stores

    assert nine_nights.objects == before
    assert store.removed == (OLD.manifest_key, OLD.document_key)
    assert store.bytes == sum(len(before[key]) for key in store.removed)


def test_a_store_is_not_left_without_a_good_backup(
    nine_nights: InMemoryObjectStore, mirror: InMemoryObjectStore
) -> None:
    mirror.delete(name(0).manifest_key)
    place_backup(mirror, at=days_ago(0.5), good=False)
    before = dict(nine_nights.objects)

    with pytest.raises(UnsafeOperationError, match="no other good backup is in mirror"):
        delete(nine_nights, mirror)

    # what one of them has against it keeps it in all of them
    assert nine_nights.objects == before


def test_one_that_is_not_good_stays_too_while_there_is_no_good_one() -> None:
    store = InMemoryObjectStore()
    bad = place_backup(store, good=False)
    place_backup(store, at=days_ago(-1))  # its date has not come

    with pytest.raises(UnsafeOperationError, match="no other good backup"):
        delete(store, backup=bad)


@pytest.mark.parametrize("until", [None, NOON.date()])
def test_a_pinned_backup_is_not_deleted(
    nine_nights: InMemoryObjectStore, mirror: InMemoryObjectStore, until: dt.date | None
) -> None:
    PinBackup(None)(OLD, [mirror], until=until, now=NOON)

    with pytest.raises(UnsafeOperationError, match="in mirror it is pinned") as refused:
        delete(nine_nights, mirror)

    assert refused.value.hint == f"`supakeep unpin {OLD}` unpins it."
    assert OLD in names_in(nine_nights)


def test_a_pin_that_is_over_goes_with_its_backup(nine_nights: InMemoryObjectStore) -> None:
    yesterday = days_ago(1)
    PinBackup(None)(OLD, [nine_nights], until=yesterday.date(), now=yesterday)

    [store] = delete(nine_nights).stores

    assert OLD.pin_key(1) in store.removed
    assert not any(OLD.text in key for key in nine_nights.objects)


def test_a_pin_that_cannot_be_read_keeps_the_backup(nine_nights: InMemoryObjectStore) -> None:
    nine_nights.place(OLD.pin_key(1), b"not a pin")

    with pytest.raises(UnsafeOperationError, match="it counts as pinned"):
        delete(nine_nights)


@pytest.mark.parametrize("nth", [1, 2, 3])
def test_wherever_a_deletion_ends_no_half_backup_is_listed(
    nine_nights: InMemoryObjectStore, mirror: InMemoryObjectStore, nth: int
) -> None:
    nine_nights.place(OLD.volume_key(2), b"a volume")

    report = delete(FailingObjectStore(nine_nights, "delete", nth=nth), mirror)

    assert not report.is_whole
    primary, other = report.stores
    assert (len(primary.removed), len(primary.left)) == (nth - 1, 4 - nth)
    assert other.problem is None
    assert (OLD in names_in(nine_nights)) is (nth == 1)
    # once more ends it
    assert delete(nine_nights).is_whole
    assert not any(OLD.text in key for key in nine_nights.objects)


def test_what_a_deletion_left_is_swept_by_a_prune(nine_nights: InMemoryObjectStore) -> None:
    delete(FailingObjectStore(nine_nights, "delete", nth=2))

    prune(nine_nights)

    assert not any(OLD.text in key for key in nine_nights.objects)


def test_a_locked_object_stays_and_says_until_when(nine_nights: InMemoryObjectStore) -> None:
    lock = ObjectLockedError("it is still locked until 2027-01-31", operation="delete")

    [store] = delete(FailingObjectStore(nine_nights, "delete", error=lock)).stores

    assert store.removed == ()
    assert store.problem is not None
    assert "still locked until 2027-01-31" in store.problem.message
    assert OLD in names_in(nine_nights)


def test_a_store_that_cannot_be_looked_into_keeps_the_backup_everywhere(
    nine_nights: InMemoryObjectStore, mirror: InMemoryObjectStore
) -> None:
    with pytest.raises(StorageUnavailableError):
        delete(nine_nights, FailingObjectStore(mirror, "list"))

    assert OLD in names_in(nine_nights)


def test_a_damaged_backup_can_be_deleted(nine_nights: InMemoryObjectStore) -> None:
    nine_nights.place(OLD.manifest_key, b"not a manifest")

    assert delete(nine_nights).is_whole


def test_a_name_that_no_store_has_is_not_found(nine_nights: InMemoryObjectStore) -> None:
    with pytest.raises(BackupNotFoundError):
        delete(nine_nights, backup=BackupName.daily(PROJECT, NOON))
