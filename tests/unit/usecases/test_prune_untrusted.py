"""Manifests that say more than is there: nothing is removed for their sake."""

from __future__ import annotations

import pytest

from tests.builders.manifests import place_backup
from tests.fakes.object_store import InMemoryObjectStore
from tests.fakes.time import NOON
from tests.unit.usecases.pruning import days_ago, decisions, name, names_in, prune


@pytest.mark.parametrize("left", [None, b"", b"a documen"])
def test_a_newest_backup_without_its_whole_document_pushes_nothing_out(left: bytes | None) -> None:
    store = InMemoryObjectStore()
    for days in (0, 20, 30):
        place_backup(store, at=days_ago(days))
    store.delete(name(0).document_key)
    if left is not None:
        store.place(name(0).document_key, left)
    before = dict(store.objects)

    report = prune(store)

    assert decisions(report)[name(20).text].reason == "the newest good backup"
    assert report.newest_good_at == days_ago(20)
    # the third is ten days older than the newest that can be restored
    assert {kept for kept in names_in(store) if kept != name(30)} == {name(0), name(20)}
    assert {k: v for k, v in before.items() if name(30).text not in k} == store.objects


@pytest.mark.parametrize("left", [None, b"a documen"])
def test_a_backup_without_its_whole_document_is_kept_for_a_look_by_hand(
    nine_nights: InMemoryObjectStore, left: bytes | None
) -> None:
    nine_nights.delete(name(8).document_key)
    if left is not None:
        nine_nights.place(name(8).document_key, left, modified_at=days_ago(8))

    report = prune(nine_nights)

    kept = decisions(report)[name(8).text]
    assert not kept.removed
    damage = "it is missing" if left is None else "it has 9 bytes instead of 10"
    assert kept.reason == f"kept for a look by hand: {name(8).document_key} is damaged: {damage}"
    assert name(8).manifest_key in nine_nights.objects
    assert report.removed == 1


def test_a_manifest_that_is_dated_in_the_future_pushes_nothing_out() -> None:
    store = InMemoryObjectStore()
    for days in (-30, 300, 301, 302):
        place_backup(store, at=days_ago(days))

    report = prune(store)

    assert report.removed == 0
    assert len(names_in(store)) == 4
    assert decisions(report)[name(300).text].reason == "the newest good backup"


def test_a_manifest_that_is_dated_in_the_future_does_not_hide_that_backups_have_stopped() -> None:
    store = InMemoryObjectStore()
    place_backup(store, at=days_ago(-30))
    place_backup(store, at=days_ago(3))

    assert prune(store).newest_good_at == days_ago(3)


def test_a_backup_of_this_very_moment_is_not_of_the_future() -> None:
    store = InMemoryObjectStore()
    place_backup(store, at=NOON)
    place_backup(store, at=days_ago(8))

    report = prune(store)

    assert (report.removed, report.newest_good_at) == (1, NOON)
