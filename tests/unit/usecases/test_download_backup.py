from __future__ import annotations

import pytest

from supakeep.archive.reader import BackupReader
from supakeep.errors import ChecksumError, StorageUnavailableError, UnsafeOperationError
from supakeep.ports import ObjectStore
from supakeep.usecases.download_backup import DownloadBackup, DownloadReport
from tests.builders.backups import CUSTOMERS, a_shop, back_up
from tests.fakes.faulty_object_store import BitFlippingObjectStore, FailingObjectStore
from tests.fakes.object_store import InMemoryObjectStore
from tests.fakes.runs import InMemoryTransfers
from tests.unit.usecases.conftest import Backup


def download(
    backup: Backup, target: ObjectStore, *stores: ObjectStore
) -> tuple[DownloadReport, InMemoryTransfers]:
    _, store, manifest = backup
    transfers = InMemoryTransfers()
    reader = BackupReader(manifest, stores or [store])
    return DownloadBackup(target, transfers)(reader), transfers


def test_every_object_arrives_byte_for_byte(backup: Backup) -> None:
    _, store, manifest = backup
    target = InMemoryObjectStore("copies")

    report, transfers = download(backup, target)

    assert target.objects == store.objects
    assert report == DownloadReport(
        backup=manifest.backup,
        to="copies",
        read_from=("primary",),
        objects=len(store.objects),
        already_there=0,
        bytes=manifest.size_bytes,
    )
    assert transfers.objects == {v.key: (v.bytes, "complete") for v in manifest.volumes}
    assert transfers.expected == {v.key: v.bytes for v in manifest.volumes}


def test_the_manifest_is_copied_with_fields_that_this_version_does_not_know(
    backup: Backup,
) -> None:
    _, store, manifest = backup
    key = manifest.name.manifest_key
    # JSON's spacing does not count for its checksum; to another version's reader it is the same
    store.objects[key] = store.objects[key] + b"\n\n"
    target = InMemoryObjectStore("copies")

    download(backup, target)

    assert target.objects[key] == store.objects[key]


def test_a_download_that_broke_off_goes_on_with_what_is_missing(backup: Backup) -> None:
    _, store, manifest = backup
    assert len(manifest.volumes) >= 3
    target = InMemoryObjectStore("copies")
    broken = FailingObjectStore(store, "read", key_part=manifest.volumes[2].key)
    with pytest.raises(StorageUnavailableError):
        download(backup, target, broken)
    assert sorted(target.objects) == sorted(volume.key for volume in manifest.volumes[:2])

    report, transfers = download(backup, target)

    assert target.objects == store.objects
    assert report.already_there == 2
    assert [status for _, status in transfers.objects.values()][:3] == [
        "already there",
        "already there",
        "complete",
    ]


def test_a_file_that_was_cut_short_or_damaged_is_replaced(backup: Backup) -> None:
    _, store, manifest = backup
    target = InMemoryObjectStore("copies")
    first, second = (volume.key for volume in manifest.volumes[:2])
    target.place(first, store.objects[first][:100])
    target.place(second, b"x" * len(store.objects[second]))
    target.place(manifest.name.manifest_key, b"{")

    report, _ = download(backup, target)

    assert target.objects == store.objects
    assert report.already_there == 0


def test_a_second_download_moves_nothing(backup: Backup) -> None:
    target = InMemoryObjectStore("copies")
    download(backup, target)

    report, transfers = download(backup, target)

    assert (report.already_there, report.read_from) == (report.objects, ())
    assert {status for _, status in transfers.objects.values()} == {"already there"}


def test_a_damaged_object_is_taken_from_the_other_copy(backup: Backup) -> None:
    _, store, manifest = backup
    key = manifest.volumes[0].key
    mirror = InMemoryObjectStore("mirror")
    mirror.objects.update(store.objects)
    mirror._modified_at.update(store._modified_at)
    target = InMemoryObjectStore("copies")

    report, _ = download(backup, target, BitFlippingObjectStore(store, key, 10), mirror)

    assert target.objects == store.objects
    assert report.read_from == ("mirror", "primary")
    assert report.warnings == (f"{key} is damaged: its SHA-256 is not the one in the manifest",)


def test_an_object_that_no_copy_has_right_leaves_no_backup(backup: Backup) -> None:
    _, store, manifest = backup
    key = manifest.volumes[-1].key
    target = InMemoryObjectStore("copies")

    with pytest.raises(ChecksumError, match="is damaged"):
        download(backup, target, BitFlippingObjectStore(store, key, 10))

    assert key not in target.objects
    assert manifest.name.manifest_key not in target.objects


def test_an_error_of_the_target_is_its_own_and_no_other_copy_is_asked(backup: Backup) -> None:
    _, store, _ = backup
    mirror = InMemoryObjectStore("mirror")
    error = StorageUnavailableError("the disk is full", operation="upload")
    target = FailingObjectStore(InMemoryObjectStore("copies"), "put", error=error)

    with pytest.raises(StorageUnavailableError, match="the disk is full"):
        download(backup, target, store, mirror)


def test_another_backup_of_the_same_name_is_left_as_it_is(backup: Backup) -> None:
    shop = a_shop()
    shop.delete(CUSTOMERS, id=1)
    target = InMemoryObjectStore("copies")
    back_up(shop, target)
    before = dict(target.objects)

    with pytest.raises(UnsafeOperationError, match="copies holds another backup named") as caught:
        download(backup, target)

    assert target.objects == before
    assert caught.value.hint == "Name another folder; this one was left as it is."
