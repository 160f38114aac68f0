"""When an AWS cron expression fires next.

The syntax is EventBridge's: minutes, hours, day of month, month, day of week (1 is Sunday), year.
Source: 'Setting a schedule pattern', Amazon EventBridge's user guide.
"""

from __future__ import annotations

import calendar
import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

from supakeep.errors import InvalidRequestError

_MONTHS = {name.upper(): number for number, name in enumerate(calendar.month_abbr) if name}
_DAYS = {
    name: number for number, name in enumerate(("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"), 1)
}
_YEARS = range(1970, 2200)
# a day that exists comes within eight years: 29 February, over a century's end
_MOST_YEARS = 8
_ITEM = re.compile(r"(?P<first>\w+|\*)(?:-(?P<last>\w+))?(?:/(?P<step>\d+))?")
_WEEKDAY = re.compile(r"(?P<day>\w+)(?:(?P<last>L)|#(?P<nth>[1-5]))")


@dataclass(frozen=True)
class Cron:
    """A parsed expression. `days` and `weekdays` are as they were written: they have a syntax of
    their own, and one of them is `?`.
    """

    minutes: frozenset[int]
    hours: frozenset[int]
    days: str
    months: frozenset[int]
    weekdays: str
    years: frozenset[int]

    @classmethod
    def parse(cls, expression: str) -> Self:
        """Reads the six fields between the brackets of `cron(…)`. Raises InvalidRequestError."""
        fields = expression.upper().split()
        if len(fields) != 6:
            raise _invalid(expression, f"it has {len(fields)} fields instead of six")
        minutes, hours, days, months, weekdays, years = fields
        if (days == "?") == (weekdays == "?"):
            raise _invalid(expression, "one of day of month and day of week must be ?")
        try:
            cron = cls(
                _numbers(minutes, range(60)),
                _numbers(hours, range(24)),
                days,
                _numbers(months, range(1, 13), _MONTHS),
                weekdays,
                _numbers(years, _YEARS),
            )
            # a leap year's month has every day that there can be
            cron._days_of(2024, 1)
        except ValueError as exc:
            raise _invalid(expression, str(exc)) from None
        return cron

    def next_after(self, moment: dt.datetime) -> dt.datetime | None:
        """The first time after `moment`, which is in UTC; None if it never fires again."""
        for day in self._days_from(moment.date()):
            for hour in sorted(self.hours):
                for minute in sorted(self.minutes):
                    at = dt.datetime.combine(day, dt.time(hour, minute), dt.UTC)
                    if at > moment:
                        return at
        return None

    def _days_from(self, start: dt.date) -> Iterator[dt.date]:
        for year in range(start.year, start.year + _MOST_YEARS + 1):
            for month in sorted(self.months) if year in self.years else ():
                for day in self._days_of(year, month):
                    if dt.date(year, month, day) >= start:
                        yield dt.date(year, month, day)

    def _days_of(self, year: int, month: int) -> list[int]:
        """The days of a month on which the expression fires. Raises ValueError for a wrong field."""
        last = calendar.monthrange(year, month)[1]
        if self.weekdays == "?":
            days = {day for item in self.days.split(",") for day in _month_days(item, year, month)}
        else:
            days = {
                day for item in self.weekdays.split(",") for day in _week_days(item, year, month)
            }
        return sorted(day for day in days if 1 <= day <= last)


def _month_days(item: str, year: int, month: int) -> frozenset[int]:
    """`L` is the last day, `W` the weekday nearest to a day, within the month."""
    last = calendar.monthrange(year, month)[1]
    if item == "L":
        return frozenset({last})
    if item == "LW":
        return frozenset({_nearest_weekday(last, year, month)})
    if item.endswith("W"):
        [day] = _numbers(item[:-1], range(1, 32))
        return frozenset({_nearest_weekday(day, year, month)} if day <= last else ())
    return _numbers(item, range(1, 32))


def _nearest_weekday(day: int, year: int, month: int) -> int:
    last = calendar.monthrange(year, month)[1]
    weekday = calendar.weekday(year, month, day)
    if weekday == calendar.SATURDAY:
        return day - 1 if day > 1 else day + 2
    if weekday == calendar.SUNDAY:
        return day + 1 if day < last else day - 2
    return day


def _week_days(item: str, year: int, month: int) -> frozenset[int]:
    """`6L` is the month's last Friday, `6#3` its third; `L` by itself is Saturday."""
    last = calendar.monthrange(year, month)[1]
    special = _WEEKDAY.fullmatch(item)
    wanted = special["day"] if special else ("7" if item == "L" else item)
    numbers = _numbers(wanted, range(1, 8), _DAYS)
    days = [day for day in range(1, last + 1) if _aws_weekday(year, month, day) in numbers]
    if special is None:
        return frozenset(days)
    nth = -1 if special["last"] else int(special["nth"]) - 1
    return frozenset(days[nth : nth + 1 or None])


def _aws_weekday(year: int, month: int, day: int) -> int:
    return (calendar.weekday(year, month, day) + 1) % 7 + 1


def _numbers(field: str, allowed: range, names: dict[str, int] | None = None) -> frozenset[int]:
    """What a field of numbers stands for. Raises ValueError where it is not one."""
    return frozenset(n for item in field.split(",") for n in _item(item, allowed, names or {}))


def _item(item: str, allowed: range, names: dict[str, int]) -> range:
    match = _ITEM.fullmatch(item)
    if match is None:
        raise ValueError(f"{item} is not a number, a range or a step")
    step = int(match["step"] or 1)
    if step < 1:
        raise ValueError(f"{item} has a step of nothing")
    if match["first"] == "*":
        return allowed[::step]
    first = _number(match["first"], allowed, names)
    open_end = allowed[-1] if match["step"] else first
    last = _number(match["last"], allowed, names) if match["last"] else open_end
    return range(first, last + 1, step)


def _number(text: str, allowed: range, names: dict[str, int]) -> int:
    number = names.get(text, int(text) if text.isdigit() else None)
    if number is None or number not in allowed:
        raise ValueError(f"{text} is not between {allowed[0]} and {allowed[-1]}")
    return number


def _invalid(expression: str, why: str) -> InvalidRequestError:
    return InvalidRequestError(
        f"cron({expression}) is not a schedule: {why}",
        operation="read schedule",
        key=expression,
        hint="Write it as EventBridge Scheduler does, such as cron(0 3 * * ? *).",
    )
