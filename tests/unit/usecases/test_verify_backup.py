from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supakeep.archive.reader import BackupReader
from supakeep.domain.manifest import Manifest, TableStatus
from supakeep.domain.verification import VerificationReport
from supakeep.errors import ChecksumError, DeadlineExceededError, StorageUnavailableError
from supakeep.ports import ObjectStore
from supakeep.usecases.verify_backup import VerifyBackup
from tests.builders.backups import CUSTOMERS, ITEMS, NAME, ORDERS, a_shop, back_up
from tests.fakes.faulty_object_store import (
    BitFlippingObjectStore,
    FailingObjectStore,
    TruncatingObjectStore,
)
from tests.fakes.object_store import InMemoryObjectStore
from tests.fakes.runs import InMemoryProgress
from tests.fakes.time import ExpiringDeadline, NeverExpires

STORE = InMemoryObjectStore(piece_bytes=100)
MANIFEST = back_up(a_shop(), STORE)
SIZE = MANIFEST.size_bytes


def verify(store: ObjectStore, manifest: Manifest = MANIFEST) -> VerificationReport:
    return VerifyBackup(NeverExpires(), InMemoryProgress())(BackupReader(manifest, [store]))


def with_part(table: str, **fields: object) -> Manifest:
    """The manifest with one table's only part changed, as a bug in a writer might."""
    tables = tuple(
        entry.model_copy(update={"parts": (entry.parts[0].model_copy(update=fields),)})
        if entry.name == table
        else entry
        for entry in MANIFEST.tables
    )
    return MANIFEST.model_copy(update={"tables": tables})


def test_a_good_backup_is_read_to_its_end() -> None:
    report = verify(STORE)

    contents = {
        "objects": 1,
        "bytes": SIZE,
        "tables": {CUSTOMERS: 5, ITEMS: 5, ORDERS: 5},
        "contents_read": True,
        "files": 0,
        "files_read": False,
    }
    assert report.model_dump() == {
        "backup": NAME.text,
        "copies": ({"store": "primary", "good": True, "problem": None, **contents},),
        "warnings": (),
        **contents,
    }


def test_the_rows_of_a_large_table_are_counted_while_it_is_read() -> None:
    seen: list[tuple[str, int, str]] = []

    class Watched(InMemoryProgress):
        def table(self, name: str, rows: int, status: str) -> None:
            seen.append((name, rows, status))

    store = InMemoryObjectStore(piece_bytes=100)
    manifest = back_up(a_shop(), store)

    VerifyBackup(NeverExpires(), Watched())(BackupReader(manifest, [store]))

    counts = [(rows, status) for name, rows, status in seen if name == CUSTOMERS]
    assert (counts[0], counts[-1]) == ((0, "running"), (5, "complete"))
    assert len({rows for rows, _ in counts}) > 2
    assert counts == sorted(counts, key=lambda count: count[0])


@given(st.integers(0, SIZE - 1), st.integers(0, 7))
def test_a_flipped_bit_anywhere_is_found(offset: int, bit: int) -> None:
    store = BitFlippingObjectStore(STORE, NAME.document_key, offset, bit=bit)

    with pytest.raises(ChecksumError, match="its SHA-256 is not the one in the manifest") as found:
        verify(store)

    assert found.value.key == NAME.document_key


@given(st.integers(0, SIZE - 1))
def test_a_document_that_is_cut_anywhere_is_found(length: int) -> None:
    with pytest.raises(ChecksumError, match="bytes instead of"):
        verify(TruncatingObjectStore(STORE, NAME.document_key, length))


def test_a_missing_volume_is_found() -> None:
    store = InMemoryObjectStore()
    manifest = back_up(a_shop(), store, max_object_bytes=400)
    store.delete(manifest.volumes[1].key)

    with pytest.raises(ChecksumError, match="it is missing") as found:
        verify(store, manifest)

    assert found.value.key == manifest.volumes[1].key


@pytest.mark.parametrize(
    "fields",
    [
        {"offset": 0},
        {"bytes": 10},
        {"sha256": "0" * 64},
        {"volume": 2},
        {"volume": 0},
        {"offset": SIZE},
        {"bytes": SIZE},
    ],
)
def test_a_part_that_is_not_where_the_manifest_says_is_found(fields: dict[str, object]) -> None:
    with pytest.raises(ChecksumError):
        verify(STORE, with_part(ORDERS, **fields))


def test_a_wrong_number_of_rows_is_found() -> None:
    tables = tuple(e.model_copy(update={"rows": e.rows + 1}) for e in MANIFEST.tables)

    with pytest.raises(ChecksumError, match="5 rows in the document and 6 in the manifest"):
        verify(STORE, MANIFEST.model_copy(update={"tables": tables}))


def test_rows_that_are_no_json_objects_are_found() -> None:
    store = InMemoryObjectStore()
    shop = a_shop()
    manifest = back_up(shop, store)
    document = store.objects[NAME.document_key]
    broken = document.replace(shop.texts(ORDERS)[1], b"[" + shop.texts(ORDERS)[1][1:])

    with pytest.raises(ChecksumError, match="row 2 is not a JSON object"):
        verify(*resigned(store, manifest, broken))


def resigned(
    store: InMemoryObjectStore, manifest: Manifest, document: bytes
) -> tuple[InMemoryObjectStore, Manifest]:
    """A document of the same length under checksums that match it."""
    assert len(document) == len(store.objects[NAME.document_key])
    store.place(NAME.document_key, document)
    [volume] = manifest.volumes
    volume = volume.model_copy(update={"sha256": hashlib.sha256(document).hexdigest()})
    tables = []
    for entry in manifest.tables:
        [part] = entry.parts
        rows = document[part.offset : part.offset + part.bytes]
        part = part.model_copy(update={"sha256": hashlib.sha256(rows).hexdigest()})
        tables.append(entry.model_copy(update={"parts": (part,)}))
    return store, manifest.model_copy(update={"tables": tuple(tables), "volumes": (volume,)})


def test_a_store_that_fails_says_nothing_about_the_backup() -> None:
    with pytest.raises(StorageUnavailableError):
        verify(FailingObjectStore(STORE, "read"))


def test_a_failed_table_of_a_partial_backup_is_passed_over() -> None:
    failed = MANIFEST.tables[0].model_copy(update={"status": TableStatus.FAILED, "parts": ()})

    report = verify(STORE, MANIFEST.model_copy(update={"tables": (failed, *MANIFEST.tables[1:])}))

    assert report.tables == {ITEMS: 5, ORDERS: 5}


def test_verifying_ends_when_the_time_runs_out() -> None:
    with pytest.raises(DeadlineExceededError):
        VerifyBackup(ExpiringDeadline(3), InMemoryProgress())(BackupReader(MANIFEST, [STORE]))
