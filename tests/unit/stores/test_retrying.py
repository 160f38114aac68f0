from __future__ import annotations

import io
import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

import pytest

from supakeep.errors import (
    ObjectAlreadyExistsError,
    ObjectNotFoundError,
    StoragePermissionError,
    StorageUnavailableError,
)
from supakeep.ports import ObjectStore
from supakeep.stores.retrying import RetryingObjectStore
from tests.fakes.faulty_object_store import FailingObjectStore
from tests.fakes.object_store import InMemoryObjectStore

KEY = "daily/backup_abc_2026-11-22.sql.json"


def retrying(store: ObjectStore) -> RetryingObjectStore:
    """Over the store, without its pauses."""
    return RetryingObjectStore(store, first_pause_seconds=0)


@pytest.fixture
def store() -> InMemoryObjectStore:
    return InMemoryObjectStore()


@pytest.mark.parametrize("failures", [1, 3])
def test_an_upload_that_fails_for_a_while_is_made_whole(
    store: InMemoryObjectStore, failures: int
) -> None:
    retrying(FailingObjectStore(store, "put", times=failures)).put(KEY, io.BytesIO(b"content"))

    assert store.objects == {KEY: b"content"}


def test_an_upload_is_repeated_from_where_the_content_stood() -> None:
    class HalfReading(InMemoryObjectStore):
        failed = False

        def put(self, key: str, content: BinaryIO) -> None:
            if not self.failed:
                self.failed = True
                content.read(3)
                raise StorageUnavailableError("cut", operation="upload")
            super().put(key, content)

    store = HalfReading()
    content = io.BytesIO(b"skipped|content")
    content.seek(8)

    retrying(store).put(KEY, content)

    assert store.objects == {KEY: b"content"}


def test_what_trying_again_cannot_fix_is_raised_at_once(store: InMemoryObjectStore) -> None:
    denied = StoragePermissionError("no", operation="upload")
    failing = FailingObjectStore(store, "put", times=1, error=denied)

    with pytest.raises(StoragePermissionError):
        retrying(failing).put(KEY, io.BytesIO(b"content"))

    assert store.objects == {}


class AnswerLost(InMemoryObjectStore):
    """Stores the object and then fails, as a connection that breaks after the upload."""

    def put(self, key: str, content: BinaryIO) -> None:
        super().put(key, content)
        raise StorageUnavailableError("The answer was lost", operation="upload")


def test_an_upload_whose_answer_was_lost_is_no_conflict_with_itself() -> None:
    store = AnswerLost()

    retrying(store).put(KEY, io.BytesIO(b"content"))

    assert store.objects == {KEY: b"content"}


@pytest.mark.parametrize("others", [b"other", b"conten", b"content and more", b""])
def test_anothers_object_under_the_same_key_is_a_conflict(others: bytes) -> None:
    class Raced(InMemoryObjectStore):
        def put(self, key: str, content: BinaryIO) -> None:
            if key not in self.objects:
                self.place(key, others)
                raise StorageUnavailableError("The answer was lost", operation="upload")
            super().put(key, content)

    store = Raced()

    with pytest.raises(ObjectAlreadyExistsError):
        retrying(store).put(KEY, io.BytesIO(b"content"))

    assert store.objects == {KEY: others}


def test_the_same_content_that_was_there_before_is_a_conflict(store: InMemoryObjectStore) -> None:
    store.place(KEY, b"content")

    with pytest.raises(ObjectAlreadyExistsError):
        retrying(store).put(KEY, io.BytesIO(b"content"))


@pytest.mark.parametrize("operation", ["read", "list", "delete"])
def test_everything_else_is_repeated_too(store: InMemoryObjectStore, operation: str) -> None:
    store.place(KEY, b"content")
    flaky = retrying(FailingObjectStore(store, operation, times=3))

    with flaky.read(KEY) as pieces:
        assert b"".join(pieces) == b"content"
    assert [stored.key for stored in flaky.list("daily/")] == [KEY]
    flaky.delete(KEY)
    assert store.objects == {}


def test_a_listing_that_fails_midway_is_made_anew_and_has_no_entry_twice(
    store: InMemoryObjectStore,
) -> None:
    keys = [f"daily/backup_abc_2026-11-{day}.sql.json" for day in range(10, 20)]
    for key in keys:
        store.place(key, b"x")
    flaky = FailingObjectStore(store, "list", times=2, entries_before_failure=4)

    assert [stored.key for stored in retrying(flaky).list("daily/")] == keys


def cut_after(pieces: Iterator[bytes], count: int) -> Iterator[bytes]:
    yield from itertools.islice(pieces, count)
    raise StorageUnavailableError("cut", operation="download")


def test_a_failure_in_the_middle_of_a_download_is_raised() -> None:
    """Pieces that were handed on cannot be taken back; the caller begins anew."""

    class Cut(InMemoryObjectStore):
        @contextmanager
        def read(self, key: str) -> Iterator[Iterator[bytes]]:
            with super().read(key) as pieces:
                yield cut_after(pieces, 1)

    cut = Cut(piece_bytes=3)
    cut.place(KEY, b"content")

    with retrying(cut).read(KEY) as pieces:
        assert next(pieces) == b"con"
        with pytest.raises(StorageUnavailableError):
            next(pieces)


def test_a_missing_object_is_reported_at_once(store: InMemoryObjectStore) -> None:
    with pytest.raises(ObjectNotFoundError), retrying(store).read(KEY):
        pass
