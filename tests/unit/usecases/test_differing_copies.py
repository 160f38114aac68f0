"""Stores that hold different backups under one name: nothing takes one of them by itself."""

from __future__ import annotations

import datetime as dt

import pytest

from supakeep.domain.manifest import Manifest, Trigger
from supakeep.domain.untrusted import Distrust
from supakeep.errors import CopiesDifferError
from supakeep.usecases.copy_backup import CopyBackup
from supakeep.usecases.find_backups import find_backup
from supakeep.usecases.find_undo import find_last_undo, find_undo_by_name
from supakeep.usecases.list_backups import list_backups
from supakeep.usecases.measure_age import Measurement, measure_age
from tests.builders.backups import NAME, a_shop, back_up, emptied
from tests.builders.manifests import PROJECT, place_backup
from tests.builders.planted import plant
from tests.fakes.faulty_object_store import FailingObjectStore
from tests.fakes.object_store import InMemoryObjectStore
from tests.fakes.runs import InMemoryTransfers
from tests.fakes.time import NOON, NeverExpires
from tests.unit.usecases.pruning import days_ago, decisions, name, prune

MESSAGE = f"primary and mirror hold different backups named {NAME} "


@pytest.fixture
def primary() -> InMemoryObjectStore:
    return InMemoryObjectStore(piece_bytes=4096)


@pytest.fixture
def mirror() -> InMemoryObjectStore:
    return InMemoryObjectStore("mirror", piece_bytes=4096)


@pytest.fixture
def ours(primary: InMemoryObjectStore, mirror: InMemoryObjectStore) -> Manifest:
    """The shop's backup; the mirror has one of empty tables in its place."""
    made = back_up(a_shop(), primary, mirror)
    plant(mirror, emptied(a_shop()), made)
    return made


@pytest.mark.parametrize("asked_as", ["latest", NAME.text])
@pytest.mark.parametrize("first", ["primary", "mirror"])
def test_neither_is_found_by_its_name_or_as_the_latest(
    primary: InMemoryObjectStore,
    mirror: InMemoryObjectStore,
    ours: Manifest,
    asked_as: str,
    first: str,
) -> None:
    stores = sorted([primary, mirror], key=lambda store: store.name != first)

    with pytest.raises(CopiesDifferError) as refused:
        find_backup(stores, asked_as, PROJECT, now=NOON)

    assert f"hold different backups named {NAME} " in refused.value.message
    assert "primary: 15 rows in 3 tables" in refused.value.message
    assert "mirror: 0 rows in 3 tables" in refused.value.message


@pytest.mark.parametrize("asked_as", ["latest", NAME.text])
def test_whoever_names_the_store_gets_its_backup_and_is_reminded_of_the_other(
    primary: InMemoryObjectStore, mirror: InMemoryObjectStore, ours: Manifest, asked_as: str
) -> None:
    found = find_backup([primary], asked_as, PROJECT, now=NOON, beside=[mirror])

    assert found.manifest == ours
    [notice] = found.notices
    assert notice.startswith("The backup in primary was taken, as asked. A different one ")
    assert "mirror: 0 rows in 3 tables" in notice


def test_a_store_beside_that_agrees_or_does_not_answer_is_not_mentioned(
    primary: InMemoryObjectStore, mirror: InMemoryObjectStore
) -> None:
    back_up(a_shop(), primary, mirror)
    silent = FailingObjectStore(InMemoryObjectStore("offsite"), "read")

    found = find_backup([primary], NAME.text, PROJECT, now=NOON, beside=[mirror, silent])

    assert found.notices == ()


def test_an_older_one_does_not_keep_the_latest_from_being_found(
    primary: InMemoryObjectStore, mirror: InMemoryObjectStore, ours: Manifest
) -> None:
    newer = place_backup(primary, at=NOON + dt.timedelta(hours=1))

    later = NOON + dt.timedelta(hours=2)
    found = find_backup([primary, mirror], "latest", PROJECT, now=later)

    assert (found.manifest.name, found.passed_over) == (newer, ())


def test_one_that_is_not_good_in_any_store_does_not_either(
    primary: InMemoryObjectStore, mirror: InMemoryObjectStore
) -> None:
    good = place_backup(primary, at=days_ago(1))
    place_backup(primary, good=False)
    made = back_up(a_shop(), mirror, trigger=Trigger.PRE_RESTORE)

    found = find_backup([primary, mirror], "latest", PROJECT, now=NOON)

    assert found.manifest.name == good
    [passed_over] = found.passed_over
    assert passed_over.startswith(f"{made.name} was passed over, and may be newer: {MESSAGE}")


def test_a_manifest_that_is_damaged_in_one_store_is_not_a_different_backup(
    primary: InMemoryObjectStore, mirror: InMemoryObjectStore, ours: Manifest
) -> None:
    mirror.place(NAME.manifest_key, b"rotten")

    found = find_backup([primary, mirror], NAME.text, PROJECT, now=NOON)

    assert found.manifest == ours
    assert [notice.partition(":")[0] for notice in found.notices] == ["mirror"]


def test_the_list_marks_it_and_believes_none(
    primary: InMemoryObjectStore, mirror: InMemoryObjectStore, ours: Manifest
) -> None:
    [listed] = list_backups([primary, mirror], PROJECT).backups

    assert (listed.manifest, listed.stores) == (None, ("primary", "mirror"))
    assert listed.problem is not None
    assert listed.problem.state is Distrust.DIFFERING
    assert listed.problem.message.startswith(MESSAGE)


def test_none_is_copied_over_the_other_nor_to_a_third_store(
    primary: InMemoryObjectStore, mirror: InMemoryObjectStore, ours: Manifest
) -> None:
    offsite = InMemoryObjectStore("offsite")
    stores = [primary, mirror, offsite]
    before = [dict(store.objects) for store in stores]

    with pytest.raises(CopiesDifferError, match="hold different backups"):
        CopyBackup(stores, NeverExpires(), InMemoryTransfers())(NAME, stores, dry_run=False)

    assert [store.objects for store in stores] == before


def test_an_undo_copy_is_not_taken_either(
    primary: InMemoryObjectStore, mirror: InMemoryObjectStore
) -> None:
    made = back_up(a_shop(), primary, mirror, trigger=Trigger.PRE_RESTORE)
    plant(mirror, emptied(a_shop()), made)

    with pytest.raises(CopiesDifferError):
        find_last_undo([primary, mirror], PROJECT, NOON)
    with pytest.raises(CopiesDifferError):
        find_undo_by_name([mirror, primary], made.backup, PROJECT)


def test_a_prune_removes_none_of_them_and_judges_the_others_as_if_they_were_not_there(
    primary: InMemoryObjectStore, mirror: InMemoryObjectStore
) -> None:
    for store in (primary, mirror):
        for days in (12, 20, 30):
            place_backup(store, at=days_ago(days))
    for store, good in ((primary, True), (mirror, False)):
        place_backup(store, at=days_ago(0), good=good)

    report = prune(primary, mirror)

    for number in (0, 1):
        decided = decisions(report, number)
        assert decided[name(0).text].reason == (
            "kept for a look by hand: stores hold different backups of this name"
        )
        assert decided[name(12).text].reason == "the newest good backup"
        assert not decided[name(0).text].removed
    assert report.newest_good_at == days_ago(12)
    assert [problem.state for problem in report.differing] == [Distrust.DIFFERING]
    assert not report.is_whole


def test_an_old_one_outlives_its_rules_in_every_store(
    primary: InMemoryObjectStore, mirror: InMemoryObjectStore
) -> None:
    for store in (primary, mirror):
        place_backup(store)
    place_backup(primary, at=days_ago(30))
    place_backup(mirror, at=days_ago(30), good=False)

    report = prune(primary, mirror)

    assert report.removed == 0
    assert all(name(30).manifest_key in store.objects for store in (primary, mirror))


def test_the_age_that_is_measured_is_that_of_a_backup_that_the_stores_agree_on(
    primary: InMemoryObjectStore, mirror: InMemoryObjectStore, ours: Manifest
) -> None:
    place_backup(primary, at=days_ago(1))

    assert measure_age([primary, mirror], PROJECT, NOON) == Measurement(days_ago(1), 1)
    assert measure_age([primary], PROJECT, NOON) == Measurement(NOON, 0)
