from __future__ import annotations

import datetime as dt

from supakeep.domain.backup_days import backup_days
from supakeep.domain.manifest import Manifest, Trigger
from tests.builders.manifests import a_manifest
from tests.fakes.time import NOON


def days_ago(days: int, *, good: bool = True) -> Manifest:
    return a_manifest(at=NOON - dt.timedelta(days=days), good=good)


def shown(*manifests: Manifest) -> list[tuple[str, str, int]]:
    return [(f"{d.date:%m-%d}", d.status, d.backups) for d in backup_days(manifests, NOON)]


def test_each_day_since_the_oldest_backup_has_a_status() -> None:
    backups = (days_ago(4), days_ago(3, good=False), days_ago(3), days_ago(1, good=False))
    assert shown(*backups) == [
        ("11-18", "good", 1),
        ("11-19", "good", 2),
        ("11-20", "missing", 0),
        ("11-21", "partial", 1),
        ("11-22", "pending", 0),
    ]


def test_five_weeks_are_enough() -> None:
    days = shown(days_ago(400), days_ago(0))
    assert (len(days), days[-1]) == (35, ("11-22", "good", 1))


def test_neither_an_undo_copy_nor_the_future_makes_a_day() -> None:
    undo = days_ago(2).model_copy(update={"trigger": Trigger.PRE_RESTORE})
    assert shown(undo, days_ago(-3)) == []
