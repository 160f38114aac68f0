"""A pinned backup stays, whatever the rules say, until it is unpinned."""

from __future__ import annotations

import datetime as dt
from typing import BinaryIO

import pytest

from supakeep.archive.pin import encode_pin
from supakeep.archive.signature import Keyring
from supakeep.archive.verified_store import verified
from supakeep.domain.backup_name import BackupName
from supakeep.domain.pin import Pin
from supakeep.domain.pin_report import PinReport
from supakeep.errors import (
    BackupNotFoundError,
    InvalidRequestError,
    ObjectLockedError,
    StorageUnavailableError,
)
from supakeep.ports import ObjectStore
from supakeep.usecases.list_backups import list_backups
from supakeep.usecases.pin_backup import PinBackup, unpin_backup
from supakeep.usecases.read_pins import pins_of
from tests.builders.manifests import PROJECT, place_backup
from tests.builders.signing import KEYRING, STRANGERS
from tests.fakes.faulty_object_store import FailingObjectStore
from tests.fakes.object_store import InMemoryObjectStore
from tests.fakes.time import NOON
from tests.unit.usecases.pruning import days_ago, decisions, name, names_in, prune

OLD = name(8)
TODAY = NOON.date()
TOMORROW = TODAY + dt.timedelta(days=1)


def pin(
    *stores: ObjectStore,
    backup: BackupName = OLD,
    until: dt.date | None = None,
    keyring: Keyring | None = None,
) -> PinReport:
    return PinBackup(keyring)(backup, stores, until=until, now=NOON)


def place_pin(
    store: InMemoryObjectStore, *, until: dt.date | None = None, keyring: Keyring | None = None
) -> None:
    store.place(OLD.pin_key(1), encode_pin(OLD.text, until, NOON, keyring), modified_at=days_ago(9))


def test_a_pinned_backup_survives_every_prune_and_goes_once_it_is_unpinned(
    nine_nights: InMemoryObjectStore,
) -> None:
    pin(nine_nights)

    report = prune(nine_nights)

    assert OLD in names_in(nine_nights)
    assert name(7) not in names_in(nine_nights)
    assert decisions(report)[OLD.text].reason == "pinned"
    assert prune(nine_nights).removed == 0

    unpin_backup(OLD, [nine_nights])
    assert prune(nine_nights).removed == 1
    assert not any(key.startswith(f"daily/{OLD}") for key in nine_nights.objects)


@pytest.mark.parametrize(("until", "stays"), [(TODAY, True), (TODAY - dt.timedelta(days=1), False)])
def test_a_pin_holds_through_its_last_day(
    nine_nights: InMemoryObjectStore, until: dt.date, *, stays: bool
) -> None:
    place_pin(nine_nights, until=until)

    report = prune(nine_nights)

    assert (OLD in names_in(nine_nights)) is stays
    reason = f"pinned until {until}" if stays else "older than 7 days"
    assert decisions(report)[OLD.text].reason == reason
    # the pin that is over goes with its backup
    assert (OLD.pin_key(1) in nine_nights.objects) is stays


def test_a_pin_of_the_newest_backup_is_one_reason_more(nine_nights: InMemoryObjectStore) -> None:
    pin(nine_nights, backup=name(0))

    assert decisions(prune(nine_nights))[name(0).text].reason == "pinned, the newest good backup"


def test_each_store_that_holds_the_backup_gets_a_pin_and_the_others_get_none(
    nine_nights: InMemoryObjectStore,
) -> None:
    mirror, empty = InMemoryObjectStore("mirror"), InMemoryObjectStore("offsite")
    for days in (0, 8):
        place_backup(mirror, at=days_ago(days))

    report = pin(nine_nights, mirror, empty, until=TOMORROW)

    assert [(s.store, s.state) for s in report.stores] == [
        ("primary", "pinned"),
        ("mirror", "pinned"),
        ("offsite", "absent"),
    ]
    assert empty.objects == {}
    assert prune(nine_nights, mirror, empty).removed == 1
    [found] = [b for b in list_backups([nine_nights, mirror]).backups if b.name == OLD]
    assert found.pins == (
        Pin(store="primary", until=TOMORROW),
        Pin(store="mirror", until=TOMORROW),
    )


def test_another_date_replaces_the_first_one(nine_nights: InMemoryObjectStore) -> None:
    for until in (TODAY, None, TOMORROW, TOMORROW):
        pin(nine_nights, until=until)
        assert pins_of([nine_nights], OLD) == (Pin(store="primary", until=until),)

    assert [key for key in nine_nights.objects if "pin" in key] == [OLD.pin_key(1)]


@pytest.mark.parametrize("operation", ["put", "delete"])
def test_a_change_that_fails_midway_leaves_the_backup_pinned(
    nine_nights: InMemoryObjectStore, operation: str
) -> None:
    pin(nine_nights)
    failing = FailingObjectStore(nine_nights, operation, key_part="pin")

    try:
        report = pin(failing, until=TOMORROW)
    except StorageUnavailableError:
        assert operation == "put"
    else:
        assert not report.is_whole

    [left] = pins_of([nine_nights], OLD)
    # both are there, and the one without an end counts
    assert left.until is None
    assert decisions(prune(nine_nights))[OLD.text].reason == "pinned"


def test_a_locked_pin_cannot_be_taken_off_and_says_until_when(
    nine_nights: InMemoryObjectStore,
) -> None:
    pin(nine_nights)
    why = f"{OLD.pin_key(1)} in mirror is still locked until 2027-01-31 03:04 UTC"
    lock = ObjectLockedError(why, operation="delete")
    mirror = InMemoryObjectStore("mirror")
    place_backup(mirror, at=days_ago(8))
    place_pin(mirror)

    report = unpin_backup(OLD, [nine_nights, FailingObjectStore(mirror, "delete", error=lock)])

    assert [s.state for s in report.stores] == ["unpinned", "failed"]
    assert report.stores[1].problem is not None
    assert report.stores[1].problem.message == why


def test_a_pin_that_cannot_be_read_keeps_its_backup_and_says_why(
    nine_nights: InMemoryObjectStore,
) -> None:
    pin(nine_nights, until=TODAY)

    report = prune(FailingObjectStore(nine_nights, "read", key_part=".pin."), at=NOON)

    assert decisions(report)[OLD.text].reason == "counts as pinned: primary did not answer"
    assert decisions(report)[name(7).text].removed
    assert OLD in names_in(nine_nights)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "it is not JSON"),
        (b"[]", "it is not a JSON object"),
        (b'{"format": "supakeep-pin/2"}', "its format 'supakeep-pin/2' is unknown"),
        (b'{"format": "supakeep-pin/1", "until": "2020-01-01"}', "its checksum does not match"),
        (encode_pin(name(7).text, None, NOON, None), f"it is that of {name(7)}"),
        (encode_pin(OLD.text, days_ago(5).date(), NOON, None)[:-20], "it is not JSON"),
    ],
)
def test_a_damaged_pin_keeps_its_backup_even_where_it_says_that_it_is_over(
    nine_nights: InMemoryObjectStore, content: bytes, why: str
) -> None:
    nine_nights.place(OLD.pin_key(1), content)

    report = prune(nine_nights)

    assert why in decisions(report)[OLD.text].reason
    assert OLD in names_in(nine_nights)


@pytest.mark.parametrize(
    ("keyring", "why"), [(None, "is unsigned"), (STRANGERS, "neither SIGNING_KEY nor a former")]
)
def test_a_pin_that_a_stranger_wrote_protects_and_is_named(
    nine_nights: InMemoryObjectStore, keyring: Keyring | None, why: str
) -> None:
    # a genuine pin, replaced by one that claims to be over
    place_pin(nine_nights, until=days_ago(5).date(), keyring=keyring)

    [found] = pins_of([verified(nine_nights, KEYRING)], OLD)

    assert found.holds(NOON + dt.timedelta(days=3650))
    assert why in str(found)


def test_a_signed_pin_is_believed(nine_nights: InMemoryObjectStore) -> None:
    store = verified(nine_nights, KEYRING)

    pin(store, until=TOMORROW, keyring=KEYRING)

    assert pins_of([store], OLD) == (Pin(store="primary", until=TOMORROW),)


def test_a_pinned_document_without_a_manifest_is_not_swept(
    nine_nights: InMemoryObjectStore,
) -> None:
    place_pin(nine_nights)
    nine_nights.delete(OLD.manifest_key)

    report = prune(nine_nights)

    assert decisions(report)[OLD.text].reason == "pinned, though its manifest is missing"
    assert OLD.document_key in nine_nights.objects


def test_a_backup_that_nobody_knows_cannot_be_pinned_or_unpinned() -> None:
    with pytest.raises(BackupNotFoundError, match=OLD.text):
        pin(InMemoryObjectStore())
    with pytest.raises(BackupNotFoundError, match=OLD.text):
        unpin_backup(OLD, [InMemoryObjectStore()])


def test_a_backup_that_is_not_pinned_is_unpinned_without_an_error(
    nine_nights: InMemoryObjectStore,
) -> None:
    report = unpin_backup(OLD, [nine_nights])

    assert [s.state for s in report.stores] == ["absent"]


def test_a_pin_that_would_be_over_at_once_is_refused(nine_nights: InMemoryObjectStore) -> None:
    with pytest.raises(InvalidRequestError, match="over already"):
        pin(nine_nights, until=days_ago(1).date())


class _PrunedMeanwhile(FailingObjectStore):
    """A prune that this process knows nothing of removes the backup as the pin is written."""

    def put(self, key: str, content: BinaryIO) -> None:
        super().put(key, content)
        self._store.delete(OLD.manifest_key)


def test_a_pin_that_came_too_late_is_not_reported_as_one(
    nine_nights: InMemoryObjectStore,
) -> None:
    with pytest.raises(BackupNotFoundError):
        pin(_PrunedMeanwhile(nine_nights, "none"))

    assert pins_of([nine_nights], OLD) == ()


def test_the_pins_of_a_day_are_not_those_of_its_other_backups() -> None:
    store = InMemoryObjectStore()
    day = BackupName.daily(PROJECT, NOON)
    timed = place_backup(store, at=NOON)
    store.place(day.manifest_key, store.objects[timed.manifest_key])
    pin(store, backup=timed)

    assert pins_of([store], day) == ()
    assert len(pins_of([store], timed)) == 1


def test_a_store_that_cannot_be_listed_counts_as_one_with_a_pin(
    nine_nights: InMemoryObjectStore,
) -> None:
    [unknown] = pins_of([FailingObjectStore(nine_nights, "list")], OLD)

    assert unknown.problem == "primary did not answer"
