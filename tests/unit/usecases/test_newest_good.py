from __future__ import annotations

import datetime as dt

from supakeep.archive.manifest import encode_manifest
from supakeep.domain.backup_name import BackupName
from supakeep.domain.manifest_parts import VolumeEntry
from supakeep.usecases.newest_good import newest_good
from tests.builders.manifests import PROJECT, a_manifest, place_backup
from tests.fakes.object_store import InMemoryObjectStore
from tests.fakes.time import NOON


def days_ago(days: int) -> dt.datetime:
    return NOON - dt.timedelta(days=days)


def test_the_good_backup_before_a_name_passes_over_what_is_not_good() -> None:
    store = InMemoryObjectStore()
    oldest = place_backup(store, at=days_ago(5))
    damaged = place_backup(store, at=days_ago(4))
    store.place(damaged.manifest_key, b"{}")
    place_backup(store, at=days_ago(3), good=False)
    newest = place_backup(store, at=days_ago(2))

    before = newest_good(store, PROJECT, now=NOON, before=days_ago(2))
    last = newest_good(store, PROJECT, now=NOON)

    assert before is not None
    assert last is not None
    assert (before.name, last.name) == (oldest, newest)
    assert newest_good(store, PROJECT, now=NOON, before=days_ago(5)) is None


def test_one_that_is_dated_in_the_future_is_not_the_newest() -> None:
    store = InMemoryObjectStore()
    newest = place_backup(store, at=days_ago(2))
    place_backup(store, at=NOON + dt.timedelta(days=300))

    found = newest_good(store, PROJECT, now=NOON)
    assert found is not None
    assert found.name == newest


def test_only_so_many_are_read() -> None:
    store = InMemoryObjectStore()
    place_backup(store, at=days_ago(3))
    place_backup(store, at=days_ago(2), good=False)
    place_backup(store, at=days_ago(1), good=False)

    assert newest_good(store, PROJECT, now=NOON, most_reads=2) is None
    assert newest_good(store, PROJECT, now=NOON, most_reads=3) is not None


def test_the_newest_backup_of_a_day_is_not_the_last_by_name() -> None:
    store = InMemoryObjectStore()
    timed = a_manifest(at=NOON - dt.timedelta(hours=6))
    name = BackupName.daily(PROJECT, NOON)
    volume = VolumeEntry(key=name.document_key, bytes=10, sha256="0" * 64)
    daily = a_manifest(at=NOON - dt.timedelta(hours=3), volumes=(volume,)).model_copy(
        update={"backup": name.text}
    )
    for manifest in (timed, daily):
        store.place(manifest.name.manifest_key, encode_manifest(manifest))

    assert daily.name < timed.name
    newest = newest_good(store, PROJECT, now=NOON)
    before = newest_good(store, PROJECT, now=NOON, before=daily.started_at)
    assert newest is not None
    assert before is not None
    assert (newest.name, before.name) == (daily.name, timed.name)
