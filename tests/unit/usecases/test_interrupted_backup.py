"""A backup that ends early removes what it stored, or names it."""

from __future__ import annotations

from typing import BinaryIO

import pytest

from supakeep.errors import (
    ObjectAlreadyExistsError,
    StoragePermissionError,
    StorageUnavailableError,
)
from tests.builders.backups import NAME, ORDERS, a_shop, back_up, manifests_in
from tests.fakes.faulty_object_store import FailingObjectStore
from tests.fakes.object_store import InMemoryObjectStore
from tests.fakes.runs import InMemoryProgress

# small enough for several volumes before the last table
SMALL = 300


class InterruptingProgress(InMemoryProgress):
    """Raises `error` when the rows of a table are on their way."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self._error = error

    def table(self, name: str, rows: int, status: str) -> None:
        super().table(name, rows, status)
        if name == ORDERS and rows:
            raise self._error


ERRORS = [
    KeyboardInterrupt(),
    SystemExit(1),
    RuntimeError("a bug"),
    StorageUnavailableError("down", operation="upload"),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_nothing_is_left_in_either_store(error: BaseException) -> None:
    primary, mirror = InMemoryObjectStore(), InMemoryObjectStore("mirror")

    with pytest.raises(type(error)) as ended:
        back_up(
            a_shop(),
            primary,
            mirror,
            max_object_bytes=SMALL,
            progress=InterruptingProgress(error),
        )

    assert ended.value is error
    assert primary.objects == mirror.objects == {}


def test_what_cannot_be_removed_is_named_in_the_hint() -> None:
    copy = InMemoryObjectStore("mirror")
    denied = StoragePermissionError("no", operation="delete")
    mirror = FailingObjectStore(copy, "delete", error=denied)
    primary = InMemoryObjectStore()

    with pytest.raises(StorageUnavailableError) as ended:
        back_up(
            a_shop(),
            FailingObjectStore(primary, "put", nth=3),
            mirror,
            max_object_bytes=SMALL,
        )

    assert primary.objects == {}
    names = ", ".join(f"{key} in mirror" for key in copy.objects)
    # the third object went to both at the same time
    assert names.count(" in mirror") == 3
    assert ended.value.hint == f"Left behind: {names}. A prune removes it after a day."


def test_what_an_interruption_cannot_remove_is_named_in_a_note() -> None:
    store = InMemoryObjectStore()
    interrupt = KeyboardInterrupt()

    with pytest.raises(KeyboardInterrupt) as ended:
        back_up(
            a_shop(),
            FailingObjectStore(store, "delete"),
            max_object_bytes=SMALL,
            progress=InterruptingProgress(interrupt),
        )

    [note] = ended.value.__notes__
    assert note.startswith(f"Left behind: {NAME.volume_key(1)} in primary")
    assert all(key in note for key in store.objects)


def test_another_backups_object_under_the_same_name_stays() -> None:
    store = InMemoryObjectStore()
    store.place(NAME.volume_key(2), b"another's")

    with pytest.raises(ObjectAlreadyExistsError):
        back_up(a_shop(), store, max_object_bytes=SMALL)

    assert store.objects == {NAME.volume_key(2): b"another's"}


def test_a_backup_whose_manifest_may_have_arrived_keeps_its_volumes() -> None:
    class AnswerLost(InMemoryObjectStore):
        def put(self, key: str, content: BinaryIO) -> None:
            super().put(key, content)
            if key == NAME.manifest_key:
                raise StorageUnavailableError("The answer was lost", operation="upload")

    store = AnswerLost()

    with pytest.raises(StorageUnavailableError):
        back_up(a_shop(), store, max_object_bytes=SMALL)

    assert manifests_in(store) == [NAME.manifest_key]
    assert NAME.volume_key(1) in store.objects
