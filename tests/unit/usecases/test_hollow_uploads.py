"""Stores that answer every upload as if it had gone well, and hold less than they were given."""

from __future__ import annotations

import io
from typing import BinaryIO

import pytest

from supakeep.archive.manifest import parse_manifest
from supakeep.domain.manifest import BackupStatus
from supakeep.errors import StorageUnavailableError
from tests.builders.backups import NAME, a_shop, back_up, document_of, manifests_in
from tests.fakes.object_store import InMemoryObjectStore

# small enough for a document of several volumes
SMALL = 300
KEPT_BYTES = [None, 0, 1, SMALL - 1]


class HollowObjectStore(InMemoryObjectStore):
    """Keeps the first `kept_bytes` of the object `key`, or nothing of it where that is None."""

    def __init__(self, name: str, key: str, kept_bytes: int | None) -> None:
        super().__init__(name)
        self._key = key
        self._kept_bytes = kept_bytes

    def put(self, key: str, content: BinaryIO) -> None:
        if key != self._key:
            super().put(key, content)
        elif self._kept_bytes is not None:
            super().put(key, io.BytesIO(content.read()[: self._kept_bytes]))


@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize("kept_bytes", KEPT_BYTES)
def test_a_backup_that_the_primary_does_not_hold_in_full_fails_without_a_manifest(
    number: int, kept_bytes: int | None
) -> None:
    key = NAME.volume_key(number)
    primary = HollowObjectStore("primary", key, kept_bytes)
    mirror = InMemoryObjectStore("mirror")

    with pytest.raises(StorageUnavailableError) as failed:
        back_up(a_shop(), primary, mirror, max_object_bytes=SMALL)

    assert failed.value.message == f"{key} was uploaded, and primary does not hold it in full"
    assert failed.value.key == key
    assert manifests_in(primary) == manifests_in(mirror) == []


@pytest.mark.parametrize("kept_bytes", KEPT_BYTES)
def test_a_mirror_that_does_not_hold_it_in_full_makes_the_backup_partial(
    kept_bytes: int | None,
) -> None:
    primary = InMemoryObjectStore()
    mirror = HollowObjectStore("mirror", NAME.volume_key(2), kept_bytes)

    manifest = back_up(a_shop(), primary, mirror, max_object_bytes=SMALL)

    assert manifest.status is BackupStatus.PARTIAL
    assert "mirror does not hold it in full" in manifest.copy_problems["mirror"].message
    assert manifest.is_good
    assert document_of(primary, manifest)
    assert parse_manifest(primary.objects[NAME.manifest_key], NAME.manifest_key) == manifest
    assert manifests_in(mirror) == []


def test_a_document_of_one_object_is_looked_for_too() -> None:
    primary = HollowObjectStore("primary", NAME.document_key, None)

    with pytest.raises(StorageUnavailableError, match="primary does not hold it in full"):
        back_up(a_shop(), primary)

    assert primary.objects == {}


def test_a_manifest_that_the_primary_does_not_hold_in_full_fails_the_backup() -> None:
    for kept_bytes in (None, 0, 100):
        primary = HollowObjectStore("primary", NAME.manifest_key, kept_bytes)

        with pytest.raises(
            StorageUnavailableError, match="primary does not hold it in full"
        ) as failed:
            back_up(a_shop(), primary)

        assert failed.value.key == NAME.manifest_key


def test_a_manifest_that_the_mirror_does_not_hold_in_full_makes_the_backup_partial() -> None:
    primary = InMemoryObjectStore()
    mirror = HollowObjectStore("mirror", NAME.manifest_key, None)

    manifest = back_up(a_shop(), primary, mirror)

    assert manifest.status is BackupStatus.PARTIAL
    assert (
        f"{NAME.manifest_key} was uploaded, and mirror" in manifest.copy_problems["mirror"].message
    )
