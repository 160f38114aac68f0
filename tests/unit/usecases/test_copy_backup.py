"""Copies that missed a backup, or hold a damaged one, are made whole from any store that is right."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from supakeep.domain.copy_report import CopiedStore
from supakeep.domain.manifest import Manifest
from supakeep.errors import (
    BackupNotFoundError,
    ManifestError,
    StoragePermissionError,
    StorageUnavailableError,
    SupakeepError,
)
from supakeep.ports import ObjectStore
from supakeep.usecases.copy_backup import CopyBackup
from supakeep.usecases.pin_backup import PinBackup
from tests.builders.backups import NAME, a_shop, back_up
from tests.fakes.faulty_object_store import BitFlippingObjectStore, FailingObjectStore
from tests.fakes.object_store import InMemoryObjectStore
from tests.fakes.time import NOON, NeverExpires

# small enough for a document of several volumes
SMALL = 300


class NoTransfers:
    def expect(self, sizes: object) -> None: ...

    def moved(self, key: str, size_bytes: int, status: str) -> None: ...


class Stores:
    """A backup in three stores."""

    def __init__(self) -> None:
        names = ("primary", "mirror", "offsite")
        self.primary, self.mirror, self.offsite = map(InMemoryObjectStore, names)
        self.manifest: Manifest = back_up(
            a_shop(), self.primary, self.mirror, self.offsite, max_object_bytes=SMALL
        )
        self.whole = dict(self.primary.objects)

    @property
    def every(self) -> list[InMemoryObjectStore]:
        return [self.primary, self.mirror, self.offsite]


@pytest.fixture
def stores() -> Stores:
    return Stores()


def copy(
    every: Sequence[ObjectStore],
    targets: Sequence[ObjectStore] | None = None,
    *,
    dry_run: bool = False,
) -> dict[str, CopiedStore]:
    copying = CopyBackup(every, NeverExpires(), NoTransfers())
    copied = copying(NAME, every if targets is None else targets, dry_run=dry_run)
    return {store.store: store for store in copied.stores}


def test_what_is_whole_everywhere_is_left_as_it_is(stores: Stores) -> None:
    copied = copy(stores.every)

    assert {store.state for store in copied.values()} == {"whole"}
    assert all(store.objects == stores.whole for store in stores.every)


def test_a_copy_that_missed_the_backup_gets_all_of_it(stores: Stores) -> None:
    stores.offsite.objects.clear()

    copied = copy(stores.every)["offsite"]

    assert stores.offsite.objects == stores.whole
    assert copied.state == "copied"
    assert copied.written[-1] == NAME.manifest_key
    assert len(copied.written) == len(stores.whole)
    assert copied.bytes == stores.manifest.size_bytes


@pytest.mark.parametrize("name", ["primary", "mirror"])
def test_damaged_and_missing_objects_are_replaced_in_any_store(stores: Stores, name: str) -> None:
    """Where the primary is the damaged one, a copy gives its objects back to it."""
    target = next(store for store in stores.every if store.name == name)
    volumes = [volume.key for volume in stores.manifest.volumes]
    target.objects[volumes[0]] = target.objects[volumes[0]][::-1]
    target.objects[volumes[1]] = target.objects[volumes[1]][:-1]
    del target.objects[volumes[2]]
    target.objects[NAME.manifest_key] = b"{}"

    copied = copy(stores.every)

    assert target.objects == stores.whole
    assert copied[name].written == (volumes[2],)
    assert copied[name].replaced == (volumes[0], volumes[1], NAME.manifest_key)
    assert [s.state for s in copied.values() if s.store != name] == ["whole", "whole"]


def test_a_volume_comes_from_whichever_store_has_it_right(stores: Stores) -> None:
    first, second = (volume.key for volume in stores.manifest.volumes[:2])
    stores.primary.objects[first] = b"damaged"
    stores.mirror.objects[second] = b"damaged"
    stores.offsite.objects.clear()

    copied = copy(stores.every)

    assert all(store.objects == stores.whole for store in stores.every)
    assert all(store.problem is None for store in copied.values())


def test_what_no_store_has_right_is_not_replaced(stores: Stores) -> None:
    key = stores.manifest.volumes[0].key
    for store in stores.every:
        store.objects[key] = b"damaged"

    copied = copy(stores.every)

    assert {store.state for store in copied.values()} == {"failed"}
    assert all(store.objects[key] == b"damaged" for store in stores.every)


def test_a_dry_run_reads_and_writes_nothing(stores: Stores) -> None:
    key = stores.manifest.volumes[0].key
    stores.mirror.objects[key] = b"damaged"
    stores.offsite.objects.clear()
    before = [dict(store.objects) for store in stores.every]

    copied = copy(stores.every, dry_run=True)

    assert [store.objects for store in stores.every] == before
    assert copied["mirror"].replaced == (key,)
    assert len(copied["offsite"].written) == len(stores.whole)


def test_an_object_that_may_be_good_is_not_touched(stores: Stores) -> None:
    """A store that does not answer says nothing of what it holds."""
    silent = FailingObjectStore(stores.mirror, "read", key_part=stores.manifest.volumes[1].key)

    copied = copy([stores.primary, silent, stores.offsite])

    assert copied["mirror"].problem is not None
    assert stores.mirror.objects == stores.whole


def test_one_that_arrives_damaged_leaves_the_copy_without_a_manifest(stores: Stores) -> None:
    stores.offsite.objects.clear()
    flipping = BitFlippingObjectStore(stores.offsite, stores.manifest.volumes[1].key, 5)

    copied = copy([stores.primary, stores.mirror, flipping])

    assert copied["offsite"].problem is not None
    assert "is damaged" in copied["offsite"].problem.message
    assert NAME.manifest_key not in stores.offsite.objects


def test_a_target_that_fails_does_not_keep_the_others_from_theirs(stores: Stores) -> None:
    stores.mirror.objects.clear()
    stores.offsite.objects.clear()

    copied = copy([stores.primary, FailingObjectStore(stores.mirror, "put"), stores.offsite])

    assert (copied["mirror"].state, copied["offsite"].state) == ("failed", "copied")
    assert stores.offsite.objects == stores.whole


def test_a_manifest_of_a_newer_version_is_left_alone(stores: Stores) -> None:
    newer = stores.whole[NAME.manifest_key].replace(b'"supakeep/1', b'"supakeep/9')
    stores.mirror.objects[NAME.manifest_key] = newer

    assert copy(stores.every)["mirror"].problem is not None
    assert stores.mirror.objects[NAME.manifest_key] == newer


def test_only_the_named_store_is_written_to(stores: Stores) -> None:
    stores.mirror.objects.clear()
    stores.offsite.objects.clear()

    copied = copy(stores.every, [stores.offsite])

    assert list(copied) == ["offsite"]
    assert stores.mirror.objects == {}


@pytest.mark.parametrize(
    ("content", "error"), [(None, BackupNotFoundError), (b"{}", ManifestError)], ids=str
)
def test_without_a_manifest_that_can_be_trusted_nothing_is_copied(
    stores: Stores, content: bytes | None, error: type[Exception]
) -> None:
    for store in stores.every:
        del store.objects[NAME.manifest_key]
        if content is not None:
            store.objects[NAME.manifest_key] = content

    with pytest.raises(error):
        copy(stores.every)


def test_a_store_that_is_down_is_not_a_backup_that_is_unknown(stores: Stores) -> None:
    del stores.mirror.objects[NAME.manifest_key]
    down = FailingObjectStore(stores.primary, "read")

    with pytest.raises(StorageUnavailableError):
        copy([stores.mirror, down])


@pytest.mark.parametrize("error", [StoragePermissionError, ManifestError])
def test_a_store_that_fails_in_the_middle_says_why(
    stores: Stores, error: type[SupakeepError]
) -> None:
    stores.mirror.objects.clear()
    failure = error("Permission denied", operation="read", hint="Renew the key.")
    later = FailingObjectStore(stores.primary, "read", key_part="manifest", nth=2, error=failure)

    problem = copy([later, stores.mirror])["mirror"].problem

    assert problem is not None
    assert (problem.message, problem.hint) == ("Permission denied", "Renew the key.")


def test_a_copy_gets_the_pin_that_the_backup_has_elsewhere(stores: Stores) -> None:
    PinBackup(None)(NAME, [stores.primary], until=None, now=NOON)
    stores.offsite.objects.clear()

    copied = copy(stores.every)

    pin = NAME.pin_key(1)
    assert copied["mirror"].written == (pin,)
    assert copied["offsite"].written == (*stores.whole, pin)
    for store in stores.every:
        assert store.objects == {**stores.whole, pin: stores.primary.objects[pin]}
    assert {store.state for store in copy(stores.every).values()} == {"whole"}


def test_a_pin_of_its_own_stays_and_a_damaged_one_is_not_spread(stores: Stores) -> None:
    PinBackup(None)(NAME, [stores.mirror], until=NOON.date(), now=NOON)
    own = stores.mirror.objects[NAME.pin_key(1)]
    stores.primary.place(NAME.pin_key(1), b"not a pin")

    copied = copy(stores.every)

    assert copied["mirror"].state == "whole"
    assert stores.mirror.objects[NAME.pin_key(1)] == own
    assert stores.offsite.objects[NAME.pin_key(1)] == own


def test_a_store_that_cannot_take_the_pin_is_not_whole(stores: Stores) -> None:
    PinBackup(None)(NAME, [stores.primary], until=None, now=NOON)

    copied = copy([stores.primary, FailingObjectStore(stores.mirror, "put", key_part="pin")])

    assert copied["mirror"].problem is not None
