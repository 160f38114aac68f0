"""Backups that a restore makes before it writes: good for its undo, and for nothing else."""

from __future__ import annotations

import datetime as dt

import pytest

from supakeep.archive.manifest import encode_manifest
from supakeep.domain.backup_name import BackupName
from supakeep.domain.manifest import Trigger
from supakeep.errors import BackupNotFoundError
from supakeep.usecases.find_backups import find_backup
from supakeep.usecases.find_undo import find_undo
from supakeep.usecases.list_backups import list_backups
from tests.builders.manifests import PROJECT, a_manifest, place_backup
from tests.fakes.object_store import InMemoryObjectStore
from tests.fakes.time import NOON
from tests.unit.usecases.pruning import days_ago, decisions, name, names_in, prune

RUN = "20261122T120000Z-1a2b3c4d"


def place_undo(store: InMemoryObjectStore, at: dt.datetime = NOON, run: str = RUN) -> BackupName:
    fields = {"trigger": Trigger.PRE_RESTORE, "run": run}
    manifest = a_manifest(at=at).model_copy(update=fields)
    store.place(manifest.name.document_key, b"a document", modified_at=at)
    store.place(manifest.name.manifest_key, encode_manifest(manifest), modified_at=at)
    return manifest.name


@pytest.fixture
def store() -> InMemoryObjectStore:
    return InMemoryObjectStore(piece_bytes=4096)


def test_a_pre_restore_backup_is_never_the_latest(store: InMemoryObjectStore) -> None:
    place_backup(store, at=days_ago(3))
    undo = place_undo(store)

    latest = find_backup([store], "latest", PROJECT, now=NOON).manifest

    assert latest.name == name(3)
    # and is there all the same, by its name
    assert find_backup([store], undo.text, PROJECT, now=NOON).manifest.name == undo
    assert [found.name for found in list_backups([store]).backups] == [undo, name(3)]


def test_where_only_pre_restore_backups_exist_there_is_no_latest(
    store: InMemoryObjectStore,
) -> None:
    place_undo(store)

    with pytest.raises(BackupNotFoundError, match="has no good backup"):
        find_backup([store], "latest", PROJECT, now=NOON)


def test_a_pre_restore_backup_pushes_nothing_out(store: InMemoryObjectStore) -> None:
    for days in (20, 26, 28):
        place_backup(store, at=days_ago(days))
    undo = place_undo(store)

    report = prune(store)

    assert decisions(report)[name(20).text].reason == "the newest good backup"
    assert report.newest_good_at == days_ago(20)
    assert names_in(store) == [undo, name(20), name(26)]


def test_a_pre_restore_backup_goes_when_the_others_of_its_age_do(
    nine_nights: InMemoryObjectStore,
) -> None:
    old = place_undo(nine_nights, days_ago(7.5))
    young = place_undo(nine_nights, days_ago(6.5))

    prune(nine_nights)

    assert young in names_in(nine_nights)
    assert old not in names_in(nine_nights)


def test_a_restore_is_undone_only_by_its_own_backup(store: InMemoryObjectStore) -> None:
    other = "20261121T120000Z-5e6f7a8b"
    place_backup(store, at=days_ago(2))
    undo, others = place_undo(store), place_undo(store, days_ago(1), other)

    assert find_undo([store], RUN, PROJECT).name == undo
    assert find_undo([store], other, PROJECT).name == others
    with pytest.raises(BackupNotFoundError, match="No undo copy was made before run"):
        find_undo([store], "20261120T120000Z-9c0d1e2f", PROJECT)
