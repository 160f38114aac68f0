from __future__ import annotations

import datetime as dt

import pytest

from supakeep.domain.backup_name import BackupName
from supakeep.errors import (
    DatabaseUnavailableError,
    StorageUnavailableError,
)
from supakeep.usecases.choose_name import choose_name
from tests.builders.manifests import PROJECT
from tests.fakes.faulty_object_store import FailingObjectStore
from tests.fakes.object_store import InMemoryObjectStore
from tests.fakes.time import NOON

UNAVAILABLE = DatabaseUnavailableError("The database did not answer", operation="query")


def test_a_days_first_scheduled_backup_has_the_days_name_and_any_other_the_time() -> None:
    store = InMemoryObjectStore()

    assert choose_name(store, PROJECT, NOON, scheduled=True) == BackupName.daily(PROJECT, NOON)
    assert choose_name(store, PROJECT, NOON, scheduled=False) == BackupName.timed(PROJECT, NOON)


@pytest.mark.parametrize(
    "left",
    [
        f"daily/backup_{PROJECT}_2026-11-22.sql.json",
        f"daily/backup_{PROJECT}_2026-11-22.sql.json.001",
        f"daily/backup_{PROJECT}_2026-11-22.manifest.json",
    ],
)
def test_a_days_name_is_not_used_again_while_anything_of_it_is_left(left: str) -> None:
    store = InMemoryObjectStore()
    store.place(left, b"left by another run")

    assert choose_name(store, PROJECT, NOON, scheduled=True) == BackupName.timed(PROJECT, NOON)


@pytest.mark.parametrize(
    "other",
    [
        f"daily/backup_{PROJECT}_2026-11-22T030000Z.manifest.json",
        f"daily/backup_{PROJECT}_2026-11-21.manifest.json",
        f"daily/backup_{PROJECT}-two_2026-11-22.manifest.json",
    ],
)
def test_another_backup_does_not_take_the_days_name(other: str) -> None:
    store = InMemoryObjectStore()
    store.place(other, b"{}")

    assert choose_name(store, PROJECT, NOON, scheduled=True) == BackupName.daily(PROJECT, NOON)


def test_backups_that_begin_in_one_second_have_different_names() -> None:
    store = InMemoryObjectStore()
    chosen = []
    for scheduled in (True, True, False, False):
        name = choose_name(store, PROJECT, NOON, scheduled=scheduled)
        store.place(name.manifest_key, b"{}")
        chosen.append(name)

    later = [NOON + dt.timedelta(seconds=seconds) for seconds in range(3)]
    assert chosen == [
        BackupName.daily(PROJECT, NOON),
        *(BackupName.timed(PROJECT, moment) for moment in later),
    ]


@pytest.mark.parametrize("suffix", ["sql.json", "sql.json.001", "manifest.json"])
def test_a_seconds_name_is_not_used_again_while_anything_of_it_is_left(suffix: str) -> None:
    store = InMemoryObjectStore()
    store.place(f"daily/{BackupName.timed(PROJECT, NOON)}.{suffix}", b"left by another run")

    name = choose_name(store, PROJECT, NOON, scheduled=False)

    assert name == BackupName.timed(PROJECT, NOON + dt.timedelta(seconds=1))


def test_a_name_is_not_chosen_where_the_store_cannot_be_listed() -> None:
    store = FailingObjectStore(InMemoryObjectStore(), "list")

    with pytest.raises(StorageUnavailableError):
        choose_name(store, PROJECT, NOON, scheduled=True)
