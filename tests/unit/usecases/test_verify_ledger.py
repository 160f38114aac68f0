"""What is noticed of a ledger from which entries were dropped, or in which they were changed."""

from __future__ import annotations

import datetime as dt
import json

import pytest

from supakeep.archive.sealed_json import checksum_of
from supakeep.archive.verified_store import verified
from supakeep.ports import ObjectStore
from supakeep.usecases.read_ledger import read_ledgers
from supakeep.usecases.verify_ledger import LedgerReport, verify_ledger
from tests.builders.drills import ledger_keys, record_drill
from tests.builders.manifests import PROJECT
from tests.builders.signing import KEYRING, STRANGERS
from tests.fakes.faulty_object_store import FailingObjectStore
from tests.fakes.object_store import InMemoryObjectStore
from tests.fakes.time import NOON
from tests.unit.usecases.pruning import days_ago


@pytest.fixture
def primary() -> InMemoryObjectStore:
    return InMemoryObjectStore(piece_bytes=4096)


@pytest.fixture
def mirror() -> InMemoryObjectStore:
    return InMemoryObjectStore("mirror", piece_bytes=4096)


@pytest.fixture
def entries(primary: InMemoryObjectStore, mirror: InMemoryObjectStore) -> list[str]:
    """The keys of four drills, each a day after the other."""
    for days in (4, 3, 2, 1):
        record_drill(primary, mirror, at=days_ago(days), keyring=KEYRING)
    return [*ledger_keys(primary)]


def verify(*stores: ObjectStore) -> LedgerReport:
    return verify_ledger(read_ledgers(stores, PROJECT), NOON)


def messages(*stores: ObjectStore) -> list[str]:
    return [problem.message for problem in verify(*stores).problems]


def test_a_whole_ledger_has_no_problem(
    primary: InMemoryObjectStore, mirror: InMemoryObjectStore, entries: list[str]
) -> None:
    report = verify(primary, mirror)

    assert report == LedgerReport(
        entries=len(entries), signed=4, stores=("primary", "mirror"), problems=()
    )


def test_an_empty_ledger_has_no_problem(primary: InMemoryObjectStore) -> None:
    assert verify(primary).is_whole


@pytest.mark.parametrize("dropped", range(3))
def test_an_entry_that_every_store_has_lost_is_noticed(
    primary: InMemoryObjectStore, mirror: InMemoryObjectStore, entries: list[str], dropped: int
) -> None:
    for store in (primary, mirror):
        store.delete(entries[dropped])

    assert messages(primary, mirror) == [
        f"{entries[dropped]} is missing in every store, and {entries[dropped + 1]} names it"
    ]


def test_entries_that_one_store_has_lost_are_noticed(
    primary: InMemoryObjectStore, mirror: InMemoryObjectStore, entries: list[str]
) -> None:
    for key in entries[2:]:
        mirror.delete(key)

    assert messages(primary, mirror) == [f"mirror lacks {entries[2]} and 1 more"]


def change(store: InMemoryObjectStore, key: str) -> None:
    """Makes an entry say that its drill was made by another version, with a checksum that fits."""
    fields = json.loads(store.objects[key])
    del fields["checksum"]
    fields["tool_version"] = "9.9"
    store.place(key, json.dumps({**fields, "checksum": checksum_of(fields)}).encode())


def test_an_entry_that_was_changed_everywhere_is_noticed(
    primary: InMemoryObjectStore, mirror: InMemoryObjectStore, entries: list[str]
) -> None:
    for store in (primary, mirror):
        change(store, entries[1])

    assert messages(primary, mirror) == [
        f"{entries[1]} is not what it was when {entries[2]} was written"
    ]


def test_an_entry_that_was_changed_in_one_store_is_noticed(
    primary: InMemoryObjectStore, mirror: InMemoryObjectStore, entries: list[str]
) -> None:
    change(mirror, entries[3])

    assert messages(primary, mirror) == [f"{entries[3]} differs between primary and mirror"]


def test_an_entry_that_strangers_signed_is_not_believed(
    primary: InMemoryObjectStore, entries: list[str]
) -> None:
    forged = record_drill(primary, keyring=STRANGERS).entry
    change(primary, entries[3])

    found = messages(verified(primary, KEYRING))

    assert len(found) == 2
    assert f"primary: The ledger entry {entries[3]} cannot be trusted" in found[0]
    assert f"primary: The ledger entry {forged} cannot be trusted" in found[1]


def test_an_entry_of_the_future_is_noticed(primary: InMemoryObjectStore) -> None:
    future = record_drill(primary, at=NOON + dt.timedelta(hours=1)).entry

    assert messages(primary) == [f"{future} claims a time that has not come"]


def test_an_entry_that_was_moved_before_the_one_that_it_names_is_noticed(
    primary: InMemoryObjectStore, entries: list[str]
) -> None:
    last = json.loads(primary.objects[entries[3]])
    del last["checksum"]
    last["recorded_at"] = f"{days_ago(9):%Y-%m-%dT%H:%M:%SZ}"
    moved = f"ledger/{PROJECT}/{days_ago(9):%Y-%m-%dT%H%M%SZ}_{last['run']}.json"
    primary.place(moved, json.dumps({**last, "checksum": checksum_of(last)}).encode())
    primary.delete(entries[3])

    assert messages(primary) == [f"{moved} names {entries[2]}, which is not older"]


def test_drills_that_knew_nothing_of_each_other_are_no_problem(
    primary: InMemoryObjectStore, mirror: InMemoryObjectStore
) -> None:
    for store, suffix in ((primary, "aaaa"), (mirror, "bbbb")):
        record_drill(store, at=days_ago(1), suffix=suffix)
    for key in ledger_keys(primary):
        mirror.place(key, primary.objects[key])
    for key in ledger_keys(mirror):
        primary.place(key, mirror.objects[key])
    record_drill(primary, mirror)

    assert verify(primary, mirror).problems == ()


def test_a_store_that_cannot_be_read_is_named(
    primary: InMemoryObjectStore, mirror: InMemoryObjectStore, entries: list[str]
) -> None:
    report = verify(FailingObjectStore(primary, "list"), mirror)

    assert report.entries == len(entries)
    assert [problem.message for problem in report.problems] == [
        "primary could not be read: primary did not answer"
    ]
