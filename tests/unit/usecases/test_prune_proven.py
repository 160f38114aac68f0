"""A prune keeps the newest backup that a drill has proven, and what an unread entry could have proven."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from supakeep.archive.verified_store import verified
from supakeep.domain.manifest import Manifest
from supakeep.errors import UnsafeOperationError
from supakeep.ports import ForwardingObjectStore, ObjectStore
from supakeep.usecases.delete_backup import delete_backup
from supakeep.usecases.read_ledger import read_ledger
from supakeep.usecases.read_proofs import read_proofs
from supakeep.usecases.stored_manifests import read_manifest
from tests.builders.drills import ledger_keys, record_drill
from tests.builders.manifests import PROJECT, place_backup
from tests.builders.signing import KEYRING
from tests.fakes.faulty_object_store import FailingObjectStore
from tests.fakes.object_store import InMemoryObjectStore
from tests.fakes.time import NOON
from tests.unit.usecases.pruning import days_ago, decisions, name, names_in, prune

PROVEN = "the newest proven backup"


class CountingReads(ForwardingObjectStore):
    """Notes which entries of the ledger are read."""

    def __init__(self, store: InMemoryObjectStore) -> None:
        super().__init__(store)
        self.read_keys: list[str] = []

    @contextmanager
    def read(self, key: str) -> Iterator[Iterator[bytes]]:
        if key.startswith("ledger/"):
            self.read_keys.append(key)
        with self._store.read(key) as pieces:
            yield pieces


def manifests_in(store: InMemoryObjectStore) -> list[Manifest]:
    return [read_manifest(store, found) for found in names_in(store)]


def a_store(*ages: float, called: str = "primary") -> InMemoryObjectStore:
    store = InMemoryObjectStore(called, piece_bytes=4096)
    for days in ages:
        place_backup(store, at=days_ago(days))
    return store


def drill(
    store: InMemoryObjectStore, days: float, *, outcomes: str = "pppp-", after: float = 0.1
) -> None:
    """A drill of the backup that is so many days old, soon after it was made."""
    manifest = read_manifest(store, name(days))
    record_drill(store, outcomes=outcomes, manifest=manifest, at=days_ago(days - after))


def reason(store: InMemoryObjectStore, days: float, *others: InMemoryObjectStore) -> str:
    return decisions(prune(store, *others, dry_run=True))[name(days).text].reason


def test_the_newest_proven_backup_stays_until_a_newer_one_is_proven() -> None:
    store = a_store(0, 10, 20, 30)
    drill(store, 30)
    drill(store, 20)

    report = prune(store)

    assert names_in(store) == [name(0), name(20)]
    assert decisions(report)[name(20).text].reason == PROVEN
    drill(store, 0, after=0.002)
    prune(store)
    assert names_in(store) == [name(0)]


def test_a_later_drill_that_fails_takes_the_proof_back() -> None:
    store = a_store(0, 20, 30)
    drill(store, 30)
    drill(store, 20)
    drill(store, 20, outcomes="pf---", after=5)

    assert reason(store, 30) == PROVEN
    assert reason(store, 20) == "older than 7 days"


def test_a_later_drill_without_the_key_takes_nothing_back() -> None:
    store = a_store(0, 20)
    drill(store, 20)
    drill(store, 20, outcomes="p----", after=5)

    assert reason(store, 20) == PROVEN


def test_the_proof_counts_in_a_store_whose_ledger_lacks_it() -> None:
    primary, mirror = a_store(0, 20), a_store(0, 20, called="mirror")
    drill(primary, 20)

    report = prune(primary, mirror)

    assert decisions(report, 1)[name(20).text].reason == PROVEN
    assert names_in(mirror) == [name(0), name(20)]


def without_ledger(store: InMemoryObjectStore) -> ObjectStore:
    return FailingObjectStore(store, "list", key_part="ledger/")


def test_where_no_ledger_can_be_listed_what_they_may_have_proven_is_kept() -> None:
    primary, mirror = a_store(0, 20, 30), a_store(called="mirror")
    drill(primary, 30)

    report = prune(without_ledger(primary), without_ledger(mirror))

    assert decisions(report)[name(20).text].reason == (
        "perhaps the newest proven backup: no ledger could be listed"
    )
    assert not report.is_whole
    assert names_in(primary) == [name(0), name(20), name(30)]


def test_a_dead_copy_does_not_keep_the_other_stores_from_removing_old_backups() -> None:
    primary, mirror = a_store(0, 20, 30), a_store(called="mirror")
    drill(primary, 30)

    report = prune(primary, without_ledger(mirror))

    assert not report.is_whole
    assert names_in(primary) == [name(0), name(30)]


def test_an_entry_that_is_not_believed_keeps_what_it_may_have_proven_and_proves_nothing() -> None:
    store = a_store(0, 20, 30, 40)
    drill(store, 40)
    drill(store, 20)
    key = ledger_keys(store)[-1]
    store.place(key, b"{}", modified_at=days_ago(19))

    kept = decisions(prune(store))

    unread = f"perhaps the newest proven backup: {key} could not be read, or is not believed"
    assert kept[name(20).text].reason == unread
    assert kept[name(30).text].reason == unread
    assert kept[name(40).text].reason == PROVEN


def test_a_forged_entry_proves_nothing() -> None:
    store = a_store(0, 20)
    drill(store, 20)
    [key] = ledger_keys(store)

    # the entry lacks the signature that the project's key would have made
    assert read_ledger(verified(store, KEYRING), PROJECT).entries == ()
    proofs = read_proofs([verified(store, KEYRING)], manifests_in(store), PROJECT, NOON)
    assert [proofs.is_proven(manifest) for manifest in manifests_in(store)] == [False, False]
    assert proofs.why == f"{key} could not be read, or is not believed"


def test_few_entries_are_read_where_the_newest_backup_is_proven() -> None:
    store = a_store(*range(40))
    for days in range(40):
        drill(store, days, after=0.001)
    counting = CountingReads(store)

    prune(counting)

    assert len(counting.read_keys) == 16
    assert names_in(store) == [name(days) for days in range(7)]


def test_the_newest_proven_backup_is_not_deleted_by_hand() -> None:
    store = a_store(0, 20, 30)
    drill(store, 20)

    with pytest.raises(UnsafeOperationError, match="in primary it is the newest proven backup"):
        delete_backup(name(20), [store], NOON, dry_run=False)

    assert delete_backup(name(30), [store], NOON, dry_run=False).is_whole
    drill(store, 0, after=0.002)
    assert delete_backup(name(20), [store], NOON, dry_run=False).is_whole


def test_a_badge_says_how_far_the_drill_came_and_a_failure_stands_until_it_is_answered() -> None:
    store = a_store(20)
    [manifest] = manifests_in(store)

    def badge() -> str:
        return str(read_proofs([store], [manifest], PROJECT, NOON).proof_of(manifest))

    assert badge() == "None"
    drill(store, 20, outcomes="ppppp", after=1)
    assert badge() == "stored · readable · restored · identical · asserted (2026-11-03 12:00 UTC)"
    drill(store, 20, outcomes="p----", after=2)
    assert badge().startswith("stored · readable · restored")
    drill(store, 20, outcomes="pppf-", after=3)
    assert badge() == "stored · readable · restored, failed: identical (2026-11-05 12:00 UTC)"
    drill(store, 20, outcomes="pppp-", after=4)
    assert badge() == "stored · readable · restored · identical (2026-11-06 12:00 UTC)"
