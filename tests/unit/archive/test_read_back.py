"""Every store must give back what it took before a backup counts as complete."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event
from typing import Any, BinaryIO

import pytest

from supakeep.archive.signature import Keyring
from supakeep.archive.verified_store import verified
from supakeep.domain.manifest import BackupStatus
from supakeep.domain.policy import BackupPolicy
from supakeep.errors import ChecksumError, DeadlineExceededError, StorageUnavailableError
from supakeep.ports import ObjectStore
from tests.builders.backups import EVERYTHING, NAME, a_shop, back_up, manifests_in
from tests.builders.signing import KEYRING
from tests.fakes.faulty_object_store import (
    BitFlippingObjectStore,
    FailingObjectStore,
    TruncatingObjectStore,
)
from tests.fakes.object_store import InMemoryObjectStore
from tests.fakes.time import ExpiringDeadline

SMALL = 300
SECOND = NAME.volume_key(2)
WITHOUT = BackupPolicy.parse('[backup]\ntables = "*"\n[storage]\nread_back = false')


def faulty(fault: str, store: ObjectStore, key: str = SECOND) -> ObjectStore:
    if fault == "flipped":
        return BitFlippingObjectStore(store, key, 7)
    if fault == "short":
        return TruncatingObjectStore(store, key, 299)
    return FailingObjectStore(store, "read", key_part=key)


FAULTS = ["flipped", "short", "silent"]


@pytest.mark.parametrize("fault", FAULTS)
def test_a_copy_that_does_not_give_a_volume_back_gets_no_manifest(fault: str) -> None:
    primary, mirror = InMemoryObjectStore(), InMemoryObjectStore("mirror")

    manifest = back_up(a_shop(), primary, faulty(fault, mirror), max_object_bytes=SMALL)

    assert manifest.status is BackupStatus.PARTIAL
    assert manifest.is_good  # the primary's copy is proven
    problem = manifest.copy_problems["mirror"]
    assert f"{SECOND} could not be read back from mirror" in problem.message
    assert problem.hint
    assert len(manifests_in(primary)) == 1
    assert manifests_in(mirror) == []


@pytest.mark.parametrize("fault", FAULTS)
def test_without_a_proven_primary_there_is_no_backup(fault: str) -> None:
    primary, mirror = InMemoryObjectStore(), InMemoryObjectStore("mirror")

    with pytest.raises((ChecksumError, StorageUnavailableError), match="could not be read back"):
        back_up(a_shop(), faulty(fault, primary), mirror, max_object_bytes=SMALL)

    assert primary.objects == mirror.objects == {}


@pytest.mark.parametrize("fault", ["flipped", "short"])
def test_a_copy_that_gives_another_manifest_back_keeps_none(fault: str) -> None:
    primary, mirror = InMemoryObjectStore(), InMemoryObjectStore("mirror")

    manifest = back_up(a_shop(), primary, faulty(fault, mirror, NAME.manifest_key))

    assert manifest.status is BackupStatus.PARTIAL
    assert manifest.is_good
    problem = manifest.copy_problems["mirror"]
    assert f"{NAME.manifest_key} could not be read back from mirror" in problem.message
    assert manifests_in(primary) == [NAME.manifest_key]
    assert manifests_in(mirror) == []


@pytest.mark.parametrize("fault", ["flipped", "short"])
def test_a_primary_that_gives_another_manifest_back_has_no_backup(fault: str) -> None:
    primary, mirror = InMemoryObjectStore(), InMemoryObjectStore("mirror")

    with pytest.raises(ChecksumError, match=f"{NAME.manifest_key} could not be read back"):
        back_up(a_shop(), faulty(fault, primary, NAME.manifest_key), mirror)

    assert manifests_in(primary) == []
    assert manifests_in(mirror) == [NAME.manifest_key]


@pytest.mark.parametrize("keyring", [None, KEYRING], ids=["unsigned", "signed"])
def test_a_manifest_that_is_silent_when_it_is_read_back_is_left_as_it_is(
    keyring: Keyring | None,
) -> None:
    primary = InMemoryObjectStore()
    silent = faulty("silent", primary, NAME.manifest_key)

    with pytest.raises(StorageUnavailableError, match="could not be read back from primary"):
        back_up(a_shop(), verified(silent, keyring), keyring=keyring)

    # it may be whole: nobody knows
    assert manifests_in(primary) == [NAME.manifest_key]


def test_a_signed_manifest_that_is_altered_on_its_way_back_is_damage() -> None:
    primary = InMemoryObjectStore()
    altering = BitFlippingObjectStore(primary, NAME.manifest_key, 200)

    with pytest.raises(ChecksumError, match="could not be read back from primary"):
        back_up(a_shop(), verified(altering, KEYRING), keyring=KEYRING)

    assert manifests_in(primary) == []


@pytest.mark.parametrize("fault", FAULTS)
def test_the_setting_leaves_it_out(fault: str) -> None:
    store = faulty(fault, InMemoryObjectStore())
    manifest = back_up(a_shop(), store, max_object_bytes=SMALL, policy=WITHOUT)
    assert manifest.status is BackupStatus.COMPLETE


class CountingStore(InMemoryObjectStore):
    """Counts the bytes that it gave."""

    given = 0

    @contextmanager
    def read(self, key: str) -> Iterator[Iterator[bytes]]:
        with super().read(key) as pieces:
            yield self._counted(key, pieces)

    def _counted(self, key: str, pieces: Iterator[bytes]) -> Iterator[bytes]:
        for piece in pieces:
            self.given += 0 if key.endswith(".manifest.json") else len(piece)
            yield piece


@pytest.mark.parametrize(("policy", "times"), [(BackupPolicy.of_every_table(), 1), (WITHOUT, 0)])
def test_each_byte_is_read_once_from_each_store(policy: BackupPolicy, times: int) -> None:
    primary, mirror = CountingStore(), CountingStore("mirror")
    manifest = back_up(a_shop(), primary, mirror, max_object_bytes=SMALL, policy=policy)
    assert primary.given == mirror.given == times * manifest.size_bytes


class OverlappingStore(InMemoryObjectStore):
    """Gives the first volume back only when the third one is on its way."""

    def __init__(self) -> None:
        super().__init__()
        self._third = Event()

    def put(self, key: str, content: BinaryIO) -> None:
        if key == NAME.volume_key(3):
            self._third.set()
        super().put(key, content)

    @contextmanager
    def read(self, key: str) -> Iterator[Iterator[bytes]]:
        if key == NAME.volume_key(1):
            assert self._third.wait(timeout=10)
        with super().read(key) as pieces:
            yield pieces


def test_a_volume_is_read_back_while_the_next_ones_are_on_their_way() -> None:
    manifest = back_up(a_shop(), OverlappingStore(), max_object_bytes=SMALL)
    assert manifest.status is BackupStatus.COMPLETE


class StandingStore(InMemoryObjectStore):
    """Gives one byte of a volume at a time, for ever, until it is told to stop."""

    @contextmanager
    def read(self, key: str) -> Iterator[Any]:
        with super().read(key) as pieces:
            yield pieces if key.endswith(".json") and "manifest" in key else self._endless()

    def _endless(self) -> Iterator[bytes]:
        while True:
            Event().wait(0.01)
            yield b"x"


def test_a_store_that_never_ends_is_left_when_the_time_is_up() -> None:
    store = StandingStore()
    checks = ExpiringDeadline(checks=9)  # eight portions of rows, and one look while it waits
    with pytest.raises(DeadlineExceededError):
        back_up(a_shop(), store, deadline=checks)
    assert store.objects == {}


@pytest.mark.parametrize(("policy", "said"), [(EVERYTHING, True), (WITHOUT, False)])
def test_the_manifest_says_whether_its_volumes_were_read_back(
    policy: BackupPolicy, said: bool
) -> None:
    store = InMemoryObjectStore()

    manifest = back_up(a_shop(), store, policy=policy)

    assert manifest.read_back is said
