from __future__ import annotations

import hashlib
import json
import threading
from pathlib import Path
from typing import BinaryIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supakeep.archive.reader import BackupReader
from supakeep.archive.upload import BackupUpload
from supakeep.archive.writer import VolumeWriter
from supakeep.domain.manifest import Manifest
from supakeep.errors import StorageUnavailableError
from supakeep.stores.folder import FolderObjectStore
from supakeep.usecases.verify_backup import VerifyBackup
from tests.builders.backups import CUSTOMERS, ITEMS, NAME, ORDERS, a_shop, back_up, document_of
from tests.fakes.object_store import InMemoryObjectStore
from tests.fakes.runs import InMemoryProgress
from tests.fakes.time import NeverExpires

SHOP = a_shop()
WHOLE = InMemoryObjectStore()
DOCUMENT = document_of(WHOLE, back_up(SHOP, WHOLE))


def rows_of(store: InMemoryObjectStore, manifest: Manifest, table: str) -> bytes:
    entry = manifest.entry(table)
    assert entry is not None
    return b",\n".join(
        b"".join(BackupReader(manifest, [store]).read_part(part)) for part in entry.parts
    )


# every size up to a little over the document, so that a volume ends at every byte of it once
@pytest.mark.parametrize("size", [*range(1, 40), *range(40, len(DOCUMENT) + 3, 61)])
def test_a_volume_may_end_at_any_byte_and_the_volumes_joined_are_the_document(size: int) -> None:
    store = InMemoryObjectStore(piece_bytes=64)

    manifest = back_up(SHOP, store, max_object_bytes=size)

    assert document_of(store, manifest) == DOCUMENT
    assert [volume.bytes for volume in manifest.volumes[:-1]] == [size] * (
        len(manifest.volumes) - 1
    )
    assert 0 < manifest.volumes[-1].bytes <= size
    for table in (CUSTOMERS, ITEMS, ORDERS):
        assert rows_of(store, manifest, table) == b",\n".join(SHOP.texts(table))


@given(st.integers(1, len(DOCUMENT) + 1))
def test_every_part_stands_where_the_manifest_says(size: int) -> None:
    store = InMemoryObjectStore(piece_bytes=4096)
    manifest = back_up(SHOP, store, max_object_bytes=size)

    for entry in manifest.tables:
        [part] = entry.parts
        start = (part.volume - 1) * size + part.offset
        rows = DOCUMENT[start : start + part.bytes]
        assert part.offset < size
        assert rows == b",\n".join(SHOP.texts(entry.name))
        assert hashlib.sha256(rows).hexdigest() == part.sha256
        assert (part.rows, part.bytes) == (entry.rows, entry.bytes)


@given(st.lists(st.binary(max_size=30), max_size=12), st.integers(1, 20))
def test_volumes_joined_are_what_was_written(writes: list[bytes], size: int) -> None:
    store = InMemoryObjectStore()

    with VolumeWriter(BackupUpload(store, ()), NAME.document_key, size) as volumes:
        for content in writes:
            volumes.write(content)
        entries = volumes.finish()

    assert b"".join(store.objects[entry.key] for entry in entries) == b"".join(writes)
    assert all(len(store.objects[entry.key]) == entry.bytes <= size for entry in entries)
    assert [entry.sha256 for entry in entries] == [
        hashlib.sha256(store.objects[entry.key]).hexdigest() for entry in entries
    ]


def test_one_volume_has_the_plain_name_and_several_are_numbered() -> None:
    single, several = InMemoryObjectStore(), InMemoryObjectStore()

    back_up(SHOP, single, max_object_bytes=len(DOCUMENT))
    back_up(SHOP, several, max_object_bytes=len(DOCUMENT) - 1)

    assert sorted(single.objects) == [NAME.manifest_key, NAME.document_key]
    assert sorted(several.objects) == [NAME.manifest_key, NAME.volume_key(1), NAME.volume_key(2)]


def test_a_thousand_volumes_are_joined_in_the_manifests_order() -> None:
    store = InMemoryObjectStore(piece_bytes=64)

    manifest = back_up(SHOP, store, max_object_bytes=1)

    assert len(manifest.volumes) == len(DOCUMENT) > 1000
    assert manifest.volumes[999].key == NAME.volume_key(1000)
    assert json.loads(document_of(store, manifest))["backup"] == NAME.text
    report = VerifyBackup(NeverExpires(), InMemoryProgress())(BackupReader(manifest, [store]))
    assert report.tables == {CUSTOMERS: 5, ITEMS: 5, ORDERS: 5}


class Gated(InMemoryObjectStore):
    """Takes an object only when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = threading.Event()

    def put(self, key: str, content: BinaryIO) -> None:
        assert self.gate.wait(5)
        super().put(key, content)


def test_a_volume_is_stored_while_the_next_one_fills() -> None:
    store = Gated()
    with VolumeWriter(BackupUpload(store, ()), NAME.document_key, 4) as volumes:
        volumes.write(b"one-two")  # returns although the store has not taken the first volume

        assert store.objects == {}
        store.gate.set()
        entries = volumes.finish()

    assert [store.objects[entry.key] for entry in entries] == [b"one-", b"two"]


def test_a_backup_that_writes_nothing_leaves_no_folder(tmp_path: Path) -> None:
    store = FolderObjectStore(tmp_path / "copies")

    with VolumeWriter(BackupUpload(store, ()), NAME.document_key, 4):
        pass

    assert not (tmp_path / "copies").exists()


def _break_off(upload: BackupUpload) -> None:
    with VolumeWriter(upload, NAME.document_key, 4) as volumes:
        volumes.write(b"one-two")
        raise RuntimeError("broken off")


def test_a_backup_that_breaks_off_leaves_no_part_of_a_volume(tmp_path: Path) -> None:
    store = FolderObjectStore(tmp_path)

    with pytest.raises(RuntimeError, match="broken off"), BackupUpload(store, ()) as upload:
        _break_off(upload)

    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


class Full(InMemoryObjectStore):
    def put(self, key: str, content: BinaryIO) -> None:
        if self.objects:
            raise StorageUnavailableError("full", operation="upload", key=key)
        super().put(key, content)


def test_no_volume_is_stored_after_one_that_the_store_refused() -> None:
    store = Full()
    with VolumeWriter(BackupUpload(store, ()), NAME.document_key, 4) as volumes:
        volumes.write(b"onetwo")

        with pytest.raises(StorageUnavailableError):
            volumes.write(b"three, four and five")

    assert list(store.objects.values()) == [b"onet"]
