"""Which good backups the rules that count keep, as restic's `forget` does (docs/configuration.md)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from supakeep.domain.calendar_duration import CalendarDuration
from supakeep.domain.manifest import Manifest


@dataclass(frozen=True)
class Reason:
    """Why a backup is kept, and until when at least backups that go on being made do not push it out;
    None where that cannot be told.
    """

    text: str
    until: dt.datetime | None = None


@dataclass(frozen=True)
class _Period:
    """A stretch of the calendar; `first` is its beginning for a moment in it."""

    noun: str
    first: Callable[[dt.datetime], dt.datetime]
    length: CalendarDuration


def _hour(moment: dt.datetime) -> dt.datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


def _day(moment: dt.datetime) -> dt.datetime:
    return _hour(moment).replace(hour=0)


def _week(moment: dt.datetime) -> dt.datetime:
    return _day(moment) - dt.timedelta(days=moment.weekday())


def _month(moment: dt.datetime) -> dt.datetime:
    return _day(moment).replace(day=1)


def _year(moment: dt.datetime) -> dt.datetime:
    return _month(moment).replace(month=1)


_PERIODS = {
    "keep_hourly": _Period("hour", _hour, CalendarDuration(hours=1)),
    "keep_daily": _Period("day", _day, CalendarDuration(days=1)),
    "keep_weekly": _Period("week", _week, CalendarDuration(days=7)),
    "keep_monthly": _Period("month", _month, CalendarDuration(months=1)),
    "keep_yearly": _Period("year", _year, CalendarDuration(years=1)),
}


def counted(
    numbers: Mapping[str, int], newest_first: Sequence[Manifest]
) -> dict[str, list[Reason]]:
    """The reasons by the backups' names, of good backups that are given newest first."""
    reasons: dict[str, list[Reason]] = {}
    for rule, number in numbers.items():
        if period := _PERIODS.get(rule):
            kept = _newest_of_each(period, rule, newest_first, number)
        else:
            kept = _last(newest_first, number)
        for name, reason in kept.items():
            reasons.setdefault(name, []).append(reason)
    return reasons


def _last(newest_first: Sequence[Manifest], number: int) -> dict[str, Reason]:
    return {
        manifest.backup: Reason(f"one of the last {number}") for manifest in newest_first[:number]
    }


def _newest_of_each(
    period: _Period, rule: str, newest_first: Sequence[Manifest], number: int
) -> dict[str, Reason]:
    """The oldest backup is kept too while the number is not reached, so that there is as much history
    as the rule allows.
    """
    kept: dict[str, Reason] = {}
    before: dt.datetime | None = None
    for manifest in newest_first:
        if len(kept) == number:
            break
        first = period.first(manifest.started_at.astimezone(dt.UTC))
        until = _times(period.length, number).after(first)
        if first != before:
            kept[manifest.backup] = Reason(f"the newest of its {period.noun} ({rule})", until)
        elif manifest is newest_first[-1]:
            kept[manifest.backup] = Reason(f"the oldest ({rule})", until)
        before = first
    return kept


def _times(length: CalendarDuration, number: int) -> CalendarDuration:
    return CalendarDuration(*(part * number for part in length))
