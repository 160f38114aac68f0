from __future__ import annotations

import datetime as dt

from supakeep.usecases.newest_good import newest_good
from tests.builders.manifests import PROJECT, place_backup
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

    before = newest_good(store, PROJECT, now=NOON, before=newest)
    last = newest_good(store, PROJECT, now=NOON)

    assert before is not None
    assert last is not None
    assert (before.name, last.name) == (oldest, newest)
    assert newest_good(store, PROJECT, now=NOON, before=oldest) is None


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
