from __future__ import annotations

import pytest

from supakeep.errors import (
    DeadlineExceededError,
    ObjectLockedError,
    StoragePermissionError,
)
from tests.builders.drills import record_drill
from tests.builders.manifests import a_manifest, place_backup
from tests.fakes.faulty_object_store import FailingObjectStore
from tests.fakes.object_store import InMemoryObjectStore
from tests.fakes.time import NOON, ExpiringDeadline
from tests.unit.usecases.pruning import days_ago, decisions, name, names_in, prune


def test_what_is_older_than_the_window_is_removed_with_all_its_objects(
    nine_nights: InMemoryObjectStore,
) -> None:
    nine_nights.place(name(8).volume_key(1), b"a volume", modified_at=days_ago(8))

    report = prune(nine_nights)

    assert names_in(nine_nights) == [name(days) for days in range(7)]
    assert len(nine_nights.objects) == 14
    assert report.removed == 2
    assert report.newest_good_at == NOON
    oldest = decisions(report)[name(8).text]
    assert (oldest.removed, oldest.reason, oldest.objects) == (True, "older than 7 days", 3)


def test_a_dry_run_tells_what_would_go_and_why_and_removes_nothing(
    nine_nights: InMemoryObjectStore,
) -> None:
    before = dict(nine_nights.objects)

    report = prune(nine_nights, dry_run=True)

    assert nine_nights.objects == before
    assert report.dry_run
    assert report.removed == 2
    assert [(b.removed, b.reason) for b in report.stores[0].backups] == [
        (False, "the newest good backup"),
        *[(False, "within 7 days")] * 6,
        *[(True, "older than 7 days")] * 2,
    ]


def test_a_dry_run_and_a_real_one_decide_alike(nine_nights: InMemoryObjectStore) -> None:
    assert prune(nine_nights, dry_run=True).stores == prune(nine_nights).stores


def test_the_newest_good_backup_is_kept_however_old_it_is() -> None:
    store = InMemoryObjectStore()
    place_backup(store, at=days_ago(400))
    for days in range(9):
        place_backup(store, at=days_ago(days), good=False)

    report = prune(store)

    assert name(400) in names_in(store)
    assert decisions(report)[name(400).text].reason == "the newest good backup"


def test_where_no_backup_is_good_none_is_removed() -> None:
    store = InMemoryObjectStore()
    for days in (0, 50, 100):
        place_backup(store, at=days_ago(days), good=False)

    report = prune(store)

    assert len(names_in(store)) == 3
    assert report.removed == 0
    assert report.newest_good_at is None


@pytest.mark.parametrize("entries", [0, 1, 5])
def test_nothing_is_removed_after_a_listing_that_failed(
    nine_nights: InMemoryObjectStore, entries: int
) -> None:
    before = dict(nine_nights.objects)

    report = prune(FailingObjectStore(nine_nights, "list", entries_before_failure=entries))

    assert nine_nights.objects == before
    assert not report.is_whole
    assert report.newest_good_at is None
    [pruned] = report.stores
    assert pruned.backups == ()
    assert pruned.problem is not None


def test_a_bucket_that_does_not_exist_is_a_problem_and_not_an_empty_store(
    nine_nights: InMemoryObjectStore,
) -> None:
    nine_nights.has_bucket = False
    before = dict(nine_nights.objects)

    report = prune(nine_nights)

    assert nine_nights.objects == before
    [pruned] = report.stores
    assert pruned.problem is not None
    assert pruned.problem.message == "Storage bucket not found"


def test_nothing_is_removed_where_a_manifest_could_not_be_read(
    nine_nights: InMemoryObjectStore,
) -> None:
    before = dict(nine_nights.objects)

    report = prune(FailingObjectStore(nine_nights, "read", nth=4))

    assert nine_nights.objects == before
    assert not report.is_whole


def test_a_store_without_any_backup_is_in_order() -> None:
    report = prune(InMemoryObjectStore())

    assert report.is_whole
    assert report.stores[0].backups == ()


@pytest.mark.parametrize("nth", range(1, 5))
def test_a_crash_between_two_deletions_leaves_no_listed_backup_without_its_document(
    nine_nights: InMemoryObjectStore, nth: int
) -> None:
    report = prune(FailingObjectStore(nine_nights, "delete", nth=nth))

    assert not report.is_whole
    for listed in names_in(nine_nights):
        assert listed.document_key in nine_nights.objects


@pytest.mark.parametrize(
    ("nth", "removed", "reasons"),
    [
        (
            1,
            [],
            ["it was to be removed, and the store failed: ", "it was to be removed, and the s"],
        ),
        (2, [7], ["the store failed: 1 of 2 objects are left", "it was to be removed, and the s"]),
        (3, [7, 8], ["the store failed: 1 of 2 objects are left"] * 2),
        (4, [7, 8], ["older than 7 days", "the store failed: 1 of 2 objects are left"]),
    ],
)
def test_a_store_that_fails_midway_is_reported_with_what_was_removed_before(
    nine_nights: InMemoryObjectStore, nth: int, removed: list[int], reasons: list[str]
) -> None:
    before = names_in(nine_nights)

    report = prune(FailingObjectStore(nine_nights, "delete", nth=nth))

    [store] = report.stores
    assert store.problem is not None
    assert store.problem.message == "primary did not answer"
    decided = decisions(report)
    assert [decided[name(days).text].removed for days in (7, 8)] == [d in removed for d in (7, 8)]
    for days, reason in zip((7, 8), reasons, strict=True):
        assert decided[name(days).text].reason.startswith(reason)
    # what is reported as removed is what is gone, and the age of the newest is still known
    assert {n.text for n in before} - {n.text for n in names_in(nine_nights)} == {
        backup.name for backup in store.backups if backup.removed
    }
    assert report.newest_good_at == NOON


def test_a_crash_after_the_manifest_is_cleaned_up_by_the_next_prune(
    nine_nights: InMemoryObjectStore,
) -> None:
    prune(FailingObjectStore(nine_nights, "delete", nth=2))
    assert len(nine_nights.objects) == 17

    prune(nine_nights)

    assert len(nine_nights.objects) == 14


def test_a_prune_ends_when_the_time_runs_out_and_can_be_run_again(
    nine_nights: InMemoryObjectStore,
) -> None:
    with pytest.raises(DeadlineExceededError):
        prune(nine_nights, deadline=ExpiringDeadline(10))

    prune(nine_nights)
    assert names_in(nine_nights) == [name(days) for days in range(7)]


def test_a_backup_that_a_restore_reads_is_spared(nine_nights: InMemoryObjectStore) -> None:
    report = prune(nine_nights, in_use=frozenset({name(8).text}))

    assert name(8) in names_in(nine_nights)
    assert name(7) not in names_in(nine_nights)
    assert (
        decisions(report)[name(8).text].reason
        == "a restore, a verification or a copy is reading it"
    )


def test_more_than_a_hundred_objects_are_pruned_in_one_go() -> None:
    store = InMemoryObjectStore(piece_bytes=4096)
    for hours in range(0, 24 * 20, 6):
        place_backup(store, at=days_ago(hours / 24))
    assert len(store.objects) == 160

    report = prune(store)

    assert report.removed == 52
    assert len(store.objects) == 2 * 28


def test_each_store_is_judged_by_its_own_backups(nine_nights: InMemoryObjectStore) -> None:
    mirror = InMemoryObjectStore("mirror")
    for days in (8, 9):
        place_backup(mirror, at=days_ago(days))

    report = prune(nine_nights, mirror)

    # the mirror's newest good backup is eight days old, and all that the mirror has
    assert names_in(mirror) == [name(8), name(9)]
    assert names_in(nine_nights) == [name(days) for days in range(7)]
    assert report.newest_good_at == NOON
    assert [pruned.store for pruned in report.stores] == ["primary", "mirror"]


def test_a_store_that_fails_does_not_keep_the_other_from_being_pruned(
    nine_nights: InMemoryObjectStore,
) -> None:
    denied = StoragePermissionError("Permission denied", operation="list", hint="Allow it")
    mirror = FailingObjectStore(InMemoryObjectStore("mirror"), "list", error=denied)
    # so that nothing in the ledger of the other could matter
    record_drill(nine_nights, manifest=a_manifest(at=NOON), at=NOON)

    report = prune(mirror, nine_nights)

    assert not report.is_whole
    assert report.stores[0].problem is not None
    assert report.stores[0].problem.hint == "Allow it"
    assert names_in(nine_nights) == [name(days) for days in range(7)]


@pytest.mark.parametrize(
    ("key_part", "removed", "reason"),
    [
        (".manifest.json", False, "still locked until 2027-01-31 03:04 UTC"),
        (".sql.json", True, "still locked until 2027-01-31 03:04 UTC; 1 of 2 objects are left"),
    ],
    ids=["manifest", "volume"],
)
def test_what_the_store_keeps_locked_is_no_failure_and_the_others_go(
    key_part: str, reason: str, *, removed: bool
) -> None:
    store = InMemoryObjectStore()
    newest, older, oldest = (place_backup(store, at=days_ago(days)) for days in (0, 8, 9))
    lock = ObjectLockedError("still locked until 2027-01-31 03:04 UTC", operation="delete")
    locking = FailingObjectStore(store, "delete", error=lock, key_part=f"{older}{key_part}")

    report = prune(locking)

    assert report.is_whole
    assert decisions(report)[older.text].reason == reason
    assert decisions(report)[older.text].removed is removed
    assert decisions(report)[oldest.text].removed
    assert set(names_in(store)) == {newest, *([] if removed else [older])}
