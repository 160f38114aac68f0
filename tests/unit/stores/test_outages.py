"""How long an outage of a store may last, by a clock that the pauses move."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import copy_context
from typing import BinaryIO

import pytest

from supakeep.errors import DeadlineExceededError, StorageUnavailableError
from supakeep.retries import OUTAGE_SECONDS, patience
from supakeep.stores.retrying import RetryingObjectStore
from tests.fakes.object_store import InMemoryObjectStore

KEY = "daily/backup_abc_2026-11-22.sql.json"


class Machine:
    """A monotonic clock, and a sleep that moves it."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.pauses: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    machine = Machine()
    monkeypatch.setattr(time, "monotonic", machine.monotonic)
    return machine


class OutOfOrder(InMemoryObjectStore):
    """Does not answer for `outage_seconds`; says when to come back where `retry_after` is given."""

    def __init__(
        self, machine: Machine, outage_seconds: float, *, retry_after: float | None = None
    ) -> None:
        super().__init__()
        self._machine = machine
        self._over_at = machine.now + outage_seconds
        self._retry_after = retry_after

    def put(self, key: str, content: BinaryIO) -> None:
        self._fail("upload", key)
        super().put(key, content)

    @contextmanager
    def read(self, key: str) -> Iterator[Iterator[bytes]]:
        self._fail("download", key)
        with super().read(key) as pieces:
            yield pieces

    def _fail(self, operation: str, key: str) -> None:
        if self._machine.now < self._over_at:
            error = StorageUnavailableError("out of order", operation=operation, key=key)
            error.retry_after_seconds = self._retry_after
            raise error


def put(store: OutOfOrder, machine: Machine) -> None:
    RetryingObjectStore(store, sleep=machine.sleep).put(KEY, io.BytesIO(b"content"))


def test_an_upload_survives_an_outage_of_a_minute(machine: Machine) -> None:
    store = OutOfOrder(machine, 60)

    put(store, machine)

    assert store.objects == {KEY: b"content"}
    assert machine.now - 1000 < OUTAGE_SECONDS
    # no attempts in vain by the dozen, and no pause in which the outage has long been over
    assert 5 < len(machine.pauses) < 15
    assert max(machine.pauses) <= 10


def test_a_download_survives_an_outage_of_a_minute(machine: Machine) -> None:
    store = OutOfOrder(machine, 60)
    store.place(KEY, b"content")

    with RetryingObjectStore(store, sleep=machine.sleep).read(KEY) as pieces:
        assert b"".join(pieces) == b"content"


def test_a_longer_outage_is_reported_in_time(machine: Machine) -> None:
    with pytest.raises(StorageUnavailableError, match="out of order"):
        put(OutOfOrder(machine, 3600), machine)

    assert machine.now - 1000 <= OUTAGE_SECONDS


@pytest.mark.parametrize("seconds", [3, 25, 60])
def test_the_pause_that_the_server_asks_for_is_kept(machine: Machine, seconds: float) -> None:
    store = OutOfOrder(machine, seconds, retry_after=seconds)

    put(store, machine)

    assert machine.pauses == [pytest.approx(seconds)]


def test_a_server_that_asks_for_more_than_there_is_time_for_is_not_waited_for(
    machine: Machine,
) -> None:
    with pytest.raises(StorageUnavailableError):
        put(OutOfOrder(machine, 3600, retry_after=600), machine)

    assert machine.pauses == []


def test_whoever_has_less_time_is_answered_in_it(machine: Machine) -> None:
    with patience(seconds=8), pytest.raises(StorageUnavailableError):
        put(OutOfOrder(machine, 60), machine)

    assert machine.now - 1000 <= 8


class ClockedDeadline:
    """Is reached at `at` on the machine's clock."""

    def __init__(self, machine: Machine, at: float) -> None:
        self._machine = machine
        self._at = at

    def check(self) -> None:
        if self._machine.now >= self._at:
            raise DeadlineExceededError("late", operation="check deadline")


def test_nothing_is_tried_again_past_the_deadline(machine: Machine) -> None:
    deadline = ClockedDeadline(machine, 1020)

    with patience(deadline=deadline), pytest.raises(StorageUnavailableError):
        put(OutOfOrder(machine, 60), machine)

    # the pause that crosses it is the last one
    assert 1020 <= machine.now < 1020 + 11


def test_patience_reaches_a_thread_with_the_context(machine: Machine) -> None:
    ended: list[float] = []

    def work() -> None:
        with pytest.raises(StorageUnavailableError):
            put(OutOfOrder(machine, 60), machine)
        ended.append(machine.now)

    with patience(seconds=4):
        thread = threading.Thread(target=copy_context().run, args=(work,))
    thread.start()
    thread.join()

    assert ended
    assert ended[0] <= 1004


def test_patience_ends_with_its_block(machine: Machine) -> None:
    store = OutOfOrder(machine, 60)
    with patience(seconds=0), pytest.raises(StorageUnavailableError):
        put(store, machine)

    put(store, machine)

    assert store.objects == {KEY: b"content"}
