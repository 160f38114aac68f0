from __future__ import annotations

import datetime as dt
import io

import pytest

from supakeep.errors import StorageUnavailableError
from supakeep.stores.remembering import ManifestMemory, RememberingObjectStore
from supakeep.usecases.list_backups import list_backups
from tests.builders.manifests import PROJECT, place_backup
from tests.fakes.faulty_object_store import FailingObjectStore
from tests.fakes.object_store import InMemoryObjectStore
from tests.fakes.time import NOON

KEY = "daily/backup_jewelshot_2026-11-22.manifest.json"
DOCUMENT = "daily/backup_jewelshot_2026-11-22.sql.json"
LATER = NOON + dt.timedelta(seconds=1)


def unreadable(store: InMemoryObjectStore) -> FailingObjectStore:
    """The same objects, listed and never read."""
    return FailingObjectStore(store, "read")


def content(store: RememberingObjectStore, key: str = KEY) -> bytes:
    with store.read(key) as pieces:
        return b"".join(pieces)


@pytest.fixture
def store() -> InMemoryObjectStore:
    made = InMemoryObjectStore()
    made.place(KEY, b"first", modified_at=NOON)
    made.place(DOCUMENT, b"rows", modified_at=NOON)
    return made


def remembered(store: InMemoryObjectStore, memory: ManifestMemory) -> None:
    """The store's manifests are in the memory, after a list and a read."""
    reading = RememberingObjectStore(store, memory)
    list(reading.list("daily/"))
    content(reading)


def test_a_manifest_that_is_listed_unchanged_is_not_read_again(store: InMemoryObjectStore) -> None:
    memory = ManifestMemory()
    remembered(store, memory)
    again = RememberingObjectStore(unreadable(store), memory)

    list(again.list("daily/"))

    assert content(again) == b"first"


@pytest.mark.parametrize(("text", "at"), [(b"other", LATER), (b"longer than before", NOON)])
def test_one_that_was_replaced_is_read(
    store: InMemoryObjectStore, text: bytes, at: dt.datetime
) -> None:
    memory = ManifestMemory()
    remembered(store, memory)
    store.place(KEY, text, modified_at=at)
    again = RememberingObjectStore(store, memory)

    list(again.list("daily/"))

    assert content(again) == text


def test_without_a_listing_the_store_decides(store: InMemoryObjectStore) -> None:
    memory = ManifestMemory()
    remembered(store, memory)

    with pytest.raises(StorageUnavailableError):
        content(RememberingObjectStore(unreadable(store), memory))


def test_rows_are_never_kept(store: InMemoryObjectStore) -> None:
    memory = ManifestMemory()
    reading = RememberingObjectStore(store, memory)
    list(reading.list("daily/"))
    assert content(reading, DOCUMENT) == b"rows"
    again = RememberingObjectStore(unreadable(store), memory)
    list(again.list("daily/"))

    with pytest.raises(StorageUnavailableError):
        content(again, DOCUMENT)


def test_one_that_was_deleted_through_it_is_asked_for(store: InMemoryObjectStore) -> None:
    memory = ManifestMemory()
    remembered(store, memory)
    again = RememberingObjectStore(store, memory)
    list(again.list("daily/"))
    again.delete(KEY)
    again.put(KEY, io.BytesIO(b"again"))

    assert content(again) == b"again"


def test_what_was_not_read_to_its_end_is_not_kept(store: InMemoryObjectStore) -> None:
    memory = ManifestMemory()
    reading = RememberingObjectStore(store, memory)
    list(reading.list("daily/"))
    with reading.read(KEY):
        pass
    again = RememberingObjectStore(unreadable(store), memory)
    list(again.list("daily/"))

    with pytest.raises(StorageUnavailableError):
        content(again)


def test_the_memory_does_not_grow_with_the_backups() -> None:
    store, memory = InMemoryObjectStore(), ManifestMemory(most_bytes=25)
    for number in range(5):
        store.place(f"daily/{number}.manifest.json", b"ten bytes!", modified_at=NOON)
    reading = RememberingObjectStore(store, memory)
    listed = list(reading.list("daily/"))
    for stored in listed:
        content(reading, stored.key)

    assert [memory.get(stored) is not None for stored in listed] == [False] * 3 + [True] * 2


def test_a_list_of_backups_is_the_same_from_memory() -> None:
    store, memory = InMemoryObjectStore(), ManifestMemory()
    for days in range(3):
        place_backup(store, at=NOON - dt.timedelta(days=days))

    first = list_backups([RememberingObjectStore(store, memory)], PROJECT)
    second = list_backups([RememberingObjectStore(unreadable(store), memory)], PROJECT)

    assert len(first.backups) == 3
    assert second == first
