from __future__ import annotations

import pytest

from supakeep.errors import (
    ChecksumError,
    StorageUnavailableError,
)
from tests.builders.backups import (
    CUSTOMERS,
    ITEMS,
    emptied,
    restore,
)
from tests.fakes.faulty_object_store import FailingObjectStore
from tests.unit.usecases.conftest import Backup


@pytest.mark.parametrize("fault", ["flipped", "cut", "missing", "longer", "swapped"])
@pytest.mark.parametrize("number", [0, 1, -1], ids=["first", "second", "last"])
def test_damage_in_any_volume_is_found_before_the_first_write(
    backup: Backup, fault: str, number: int
) -> None:
    shop, store, manifest = backup
    target = emptied(shop)
    before = target.everything()
    key = manifest.volumes[number].key
    content = store.objects[key]
    damaged = {
        "flipped": content[:-1] + bytes([content[-1] ^ 1]),
        "cut": content[:-1],
        "longer": content + b"\n",
        "swapped": store.objects[manifest.volumes[number - 1].key],
    }
    if fault == "missing":
        store.delete(key)
    else:
        store.place(key, damaged[fault])

    with pytest.raises(ChecksumError) as found:
        restore(target, store, manifest)

    assert found.value.key == key
    assert target.everything() == before


@pytest.mark.parametrize("position", range(0, 500, 23))
def test_a_flipped_byte_at_any_position_is_found_before_the_first_write(
    backup: Backup, position: int
) -> None:
    shop, store, manifest = backup
    target = emptied(shop)
    key = manifest.volumes[1].key
    content = bytearray(store.objects[key])
    content[position] ^= 0x20
    store.place(key, bytes(content))

    with pytest.raises(ChecksumError):
        restore(target, store, manifest)

    assert target.texts(CUSTOMERS) == target.texts(ITEMS) == []


def test_damage_where_no_chosen_table_stands_does_no_harm(backup: Backup) -> None:
    shop, store, manifest = backup
    target = emptied(shop)
    # customers stand last in the document, items first
    store.delete(manifest.volumes[0].key)

    restore(target, store, manifest, "customers")

    assert target.texts(CUSTOMERS) == shop.texts(CUSTOMERS)


def test_a_store_that_fails_while_it_is_checked_writes_nothing(backup: Backup) -> None:
    shop, store, manifest = backup
    target = emptied(shop)

    with pytest.raises(StorageUnavailableError):
        restore(target, FailingObjectStore(store, "read", nth=len(manifest.volumes)), manifest)

    assert target.texts(CUSTOMERS) == []


def test_a_restore_that_was_interrupted_can_be_run_again(backup: Backup) -> None:
    shop, store, manifest = backup
    target = emptied(shop)
    failing = FailingObjectStore(store, "read", nth=len(manifest.volumes) + 3)

    with pytest.raises(StorageUnavailableError):
        restore(target, failing, manifest)
    restore(target, store, manifest)

    assert target.everything() == shop.everything()
