"""Downloads that break in the middle are read on from there, a few times."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supakeep.archive.reader import BackupReader
from supakeep.archive.stored_object import read_volume
from supakeep.errors import ChecksumError, StorageUnavailableError
from tests.builders.backups import a_shop, back_up, emptied, restore
from tests.fakes.object_store import InMemoryObjectStore, pieces_of

MOST_BREAKS = 3


class BreakingObjectStore(InMemoryObjectStore):
    """Breaks its reads off: each after as many bytes as the next of `breaks` says."""

    def __init__(self) -> None:
        super().__init__(piece_bytes=7)
        self.breaks: list[int] = []
        self.reads = 0

    @contextmanager
    def read(self, key: str) -> Iterator[Iterator[bytes]]:
        self.reads += 1
        with super().read(key) as pieces:
            yield self._broken(key, self.breaks.pop(0)) if self.breaks else pieces

    def _broken(self, key: str, after: int) -> Iterator[bytes]:
        # cut otherwise than the whole reads, so that no piece ends where another does
        yield from pieces_of(self.objects[key][:after], 11)
        raise StorageUnavailableError("The connection broke", operation="download", key=key)


@given(st.lists(st.integers(0, 600), max_size=MOST_BREAKS))
def test_a_volume_is_read_on_from_where_the_connection_broke(breaks: list[int]) -> None:
    store = BreakingObjectStore()
    manifest = back_up(a_shop(), store, max_object_bytes=500)
    store.breaks = list(breaks)

    volume = manifest.volumes[0]

    assert b"".join(read_volume(store, volume)) == store.objects[volume.key]
    assert store.breaks == []


def test_each_volume_may_break_as_often() -> None:
    store = BreakingObjectStore()
    manifest = back_up(a_shop(), store, max_object_bytes=500)
    store.breaks = [100] * MOST_BREAKS

    for volume in manifest.volumes[:2]:
        store.breaks = [100] * MOST_BREAKS
        assert b"".join(read_volume(store, volume)) == store.objects[volume.key]


@pytest.mark.parametrize("after", [0, 1, 250])
def test_after_three_breaks_the_next_is_raised(after: int) -> None:
    store = BreakingObjectStore()
    manifest = back_up(a_shop(), store, max_object_bytes=500)
    store.reads, store.breaks = 0, [after] * (MOST_BREAKS + 1)

    with pytest.raises(StorageUnavailableError, match="The connection broke"):
        list(read_volume(store, manifest.volumes[0]))

    assert store.reads == MOST_BREAKS + 1


def test_a_tables_rows_are_read_on_from_where_the_connection_broke() -> None:
    store = BreakingObjectStore()
    manifest = back_up(a_shop(), store)
    entry = manifest.tables[-1]
    [part] = entry.parts
    store.breaks = [part.offset - 1, part.offset + 3, part.offset + part.bytes - 1]

    rows = b"".join(BackupReader(manifest, [store]).read_part(part))

    document = store.objects[manifest.volumes[0].key]
    assert rows == document[part.offset : part.offset + part.bytes]


def test_a_restore_is_not_hurt_by_a_break() -> None:
    shop, store = a_shop(), BreakingObjectStore()
    manifest = back_up(shop, store, max_object_bytes=500)
    target = emptied(shop)
    store.breaks = [40, 400, 90]

    restore(target, store, manifest)

    assert target.everything() == shop.everything()


def test_an_object_that_changes_between_a_break_and_its_mend_is_damaged() -> None:
    store = BreakingObjectStore()
    manifest = back_up(a_shop(), store, max_object_bytes=500)
    volume = manifest.volumes[0]
    store.breaks = [100]
    pieces = read_volume(store, volume)
    begun = next(pieces)

    store.place(volume.key, b"x" * volume.bytes)

    with pytest.raises(ChecksumError):
        list(pieces)
    assert begun
