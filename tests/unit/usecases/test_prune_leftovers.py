from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from supakeep.archive.manifest import encode_manifest
from supakeep.domain.backup_name import BackupName
from tests.builders.manifests import PROJECT, a_manifest, place_backup
from tests.fakes.faulty_object_store import FailingObjectStore
from tests.fakes.object_store import InMemoryObjectStore
from tests.unit.usecases.pruning import days_ago, decisions, name, names_in, prune


def test_what_a_crashed_run_left_is_swept_after_a_day(nine_nights: InMemoryObjectStore) -> None:
    crashed = BackupName.daily(PROJECT, days_ago(2))
    for number in (1, 2):
        nine_nights.place(crashed.volume_key(number), b"left", modified_at=days_ago(1.01))

    report = prune(nine_nights)

    assert crashed.volume_key(1) not in nine_nights.objects
    assert crashed.volume_key(2) not in nine_nights.objects
    swept = decisions(report)[crashed.text]
    assert (swept.removed, swept.reason) == (True, "left by a run that did not finish")


def test_a_run_that_may_be_at_work_is_left_alone(nine_nights: InMemoryObjectStore) -> None:
    at_work = BackupName.daily(PROJECT, days_ago(0))
    nine_nights.place(at_work.volume_key(1), b"old", modified_at=days_ago(1.5))
    nine_nights.place(at_work.volume_key(2), b"just now", modified_at=days_ago(0.1))

    report = prune(nine_nights)

    assert at_work.volume_key(1) in nine_nights.objects
    assert decisions(report)[at_work.text].reason == "has no manifest yet: a run may be at work"


@pytest.mark.parametrize("content", [b"{}", b"not JSON", b'{"format": "supakeep/2"}'])
def test_a_backup_with_a_manifest_that_cannot_be_trusted_is_kept_for_a_look_by_hand(
    nine_nights: InMemoryObjectStore, content: bytes
) -> None:
    nine_nights.place(name(8).manifest_key, content, modified_at=days_ago(8))

    report = prune(nine_nights)

    assert {name(8).manifest_key, name(8).document_key} <= set(nine_nights.objects)
    kept = decisions(report)[name(8).text]
    assert not kept.removed
    assert kept.reason.startswith("kept for a look by hand: ")
    assert report.removed == 1


def test_a_damaged_newest_backup_does_not_count_as_good() -> None:
    store = InMemoryObjectStore()
    place_backup(store, at=days_ago(0))
    place_backup(store, at=days_ago(30))
    store.place(name(0).manifest_key, b"{}")

    report = prune(store)

    assert name(30) in names_in(store)
    assert decisions(report)[name(30).text].reason == "the newest good backup"


def test_a_manifest_that_vanishes_while_it_is_read_keeps_its_volumes() -> None:
    class Vanishing(InMemoryObjectStore):
        @contextmanager
        def read(self, key: str) -> Iterator[Iterator[bytes]]:
            if key == name(8).manifest_key:
                self.delete(key)
            with super().read(key) as pieces:
                yield pieces

    store = Vanishing()
    place_backup(store)
    place_backup(store, at=days_ago(8))

    prune(store)

    assert name(8).document_key in store.objects


def test_only_this_projects_objects_are_touched(nine_nights: InMemoryObjectStore) -> None:
    foreign = {
        "daily/backup_other_2020-01-01.manifest.json",
        "daily/backup_other_2020-01-01.sql.json",
        f"daily/backup_{PROJECT}-two_2020-01-01.sql.json",
        f"daily/backup_{PROJECT}_2020-01-01.sql.json.old",
        f"daily/backup_{PROJECT}_notes.txt",
        f"backup_{PROJECT}_2020-01-01.sql.json",
        "readme.md",
    }
    for key in foreign:
        nine_nights.place(key, b"someone's", modified_at=days_ago(2000))

    prune(nine_nights)

    assert foreign <= set(nine_nights.objects)


@pytest.mark.parametrize("dry_run", [True, False], ids=["dry run", "for real"])
def test_volumes_that_an_interrupted_erasure_left_beside_a_backup_go_after_a_day(
    nine_nights: InMemoryObjectStore, *, dry_run: bool
) -> None:
    nine_nights.place(name(1).volume_key(2), b"erased", modified_at=days_ago(1.01))
    nine_nights.place(name(2).volume_key(2), b"of a run at work", modified_at=days_ago(0.9))

    report = prune(nine_nights, dry_run=dry_run)

    assert (name(1).volume_key(2) in nine_nights.objects) is dry_run
    assert {name(1).document_key, name(2).volume_key(2)} < set(nine_nights.objects)
    kept = decisions(report)[name(1).text]
    assert not kept.removed
    assert kept.reason == (
        "within 7 days; not kept: 1 volume beside it that its manifest does not name"
    )
    assert decisions(report)[name(2).text].reason == "within 7 days"


def test_volumes_beside_a_backup_stay_where_it_may_need_them(
    nine_nights: InMemoryObjectStore,
) -> None:
    used, differing, doubtful = name(1), name(2), name(3)
    for each in (used, differing, doubtful):
        nine_nights.place(each.volume_key(2), b"a volume", modified_at=days_ago(1.5))
    nine_nights.place(doubtful.manifest_key, b"not JSON")
    other = InMemoryObjectStore(name="mirror")
    place_backup(other, at=days_ago(2), good=False)

    prune(nine_nights, other, in_use=frozenset({used.text}))

    assert {each.volume_key(2) for each in (used, differing, doubtful)} < set(nine_nights.objects)


def test_volumes_beside_a_backup_that_a_store_does_not_remove_are_named(
    nine_nights: InMemoryObjectStore,
) -> None:
    nine_nights.place(name(1).volume_key(2), b"erased", modified_at=days_ago(1.01))
    failing = FailingObjectStore(nine_nights, "delete", key_part=name(1).text)

    report = prune(failing)

    assert not report.is_whole
    assert decisions(report)[name(1).text].reason == (
        "within 7 days; 1 of 1 volume beside it that its manifest does not name could not be removed"
    )


def test_volumes_beside_a_backup_of_a_later_format_stay(nine_nights: InMemoryObjectStore) -> None:
    later = a_manifest(at=days_ago(2)).model_copy(update={"format": "supakeep/1.9"})
    nine_nights.place(later.name.manifest_key, encode_manifest(later), modified_at=days_ago(2))
    nine_nights.place(name(2).volume_key(2), b"it may name this", modified_at=days_ago(2))

    prune(nine_nights)

    assert name(2).volume_key(2) in nine_nights.objects
