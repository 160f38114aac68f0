"""A calendar of backups: which days have a good one, and which have none."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Literal

from pydantic import BaseModel, ConfigDict

from supakeep.domain.manifest import Manifest, Trigger

_MOST_DAYS = 35


class BackupDay(BaseModel):
    """One day in UTC. `pending`: today, without a backup so far. `missing`: there is no backup of
    that day, although older ones are still kept.
    """

    model_config = ConfigDict(frozen=True)

    date: dt.date
    status: Literal["good", "partial", "missing", "pending"]
    backups: int


def backup_days(manifests: Iterable[Manifest], now: dt.datetime) -> list[BackupDay]:
    """The days from the oldest backup to today, five weeks at most, oldest first. Copies that a restore
    kept for an undo are not counted: they hold only what it touched.
    """
    today = now.astimezone(dt.UTC).date()
    by_day: dict[dt.date, list[Manifest]] = {}
    for manifest in manifests:
        day = manifest.started_at.astimezone(dt.UTC).date()
        if manifest.trigger is not Trigger.PRE_RESTORE and day <= today:
            by_day.setdefault(day, []).append(manifest)
    if not by_day:
        return []
    first = max(min(by_day), today - dt.timedelta(days=_MOST_DAYS - 1))
    days = (first + dt.timedelta(days=number) for number in range((today - first).days + 1))
    return [_day(day, by_day.get(day, []), today) for day in days]


def _day(day: dt.date, manifests: list[Manifest], today: dt.date) -> BackupDay:
    status: Literal["good", "partial", "missing", "pending"] = "partial"
    if not manifests:
        status = "pending" if day == today else "missing"
    elif any(manifest.is_good for manifest in manifests):
        status = "good"
    return BackupDay(date=day, status=status, backups=len(manifests))
