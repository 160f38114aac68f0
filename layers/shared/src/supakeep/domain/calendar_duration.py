"""Durations of years, months, days and hours, as restic writes them: `2y5m7d3h`."""

from __future__ import annotations

import datetime as dt
import re
from typing import NamedTuple, Self

_EARLIEST = dt.datetime.min.replace(tzinfo=dt.UTC)
_LATEST = dt.datetime.max.replace(tzinfo=dt.UTC)
_TEXT = re.compile(r"(?:(\d{1,4})y)?(?:(\d{1,4})m)?(?:(\d{1,5})d)?(?:(\d{1,6})h)?", re.ASCII)


class CalendarDuration(NamedTuple):
    """So many years, months, days and hours."""

    years: int = 0
    months: int = 0
    days: int = 0
    hours: int = 0

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises ValueError for what is not a duration, or is none at all."""
        match = _TEXT.fullmatch(text)
        found = cls(*(int(number or 0) for number in match.groups())) if match else cls()
        if not any(found):
            raise ValueError("it is not a duration such as 1y2m7d12h (years, months, days, hours)")
        return found

    def before(self, moment: dt.datetime) -> dt.datetime:
        """The moment so long before. As in Go's AddDate, which restic counts with, a day that a month
        does not have is one of the next month. The earliest moment where it would be before that.
        """
        return self._from(moment, -1)

    def after(self, moment: dt.datetime) -> dt.datetime:
        """The moment so long after; the latest one where it would be after that."""
        return self._from(moment, 1)

    def _from(self, moment: dt.datetime, sign: int) -> dt.datetime:
        months = moment.year * 12 + moment.month - 1 + sign * (self.years * 12 + self.months)
        rest = dt.timedelta(days=moment.day - 1 + sign * self.days, hours=sign * self.hours)
        try:
            return moment.replace(year=months // 12, month=months % 12 + 1, day=1) + rest
        except (ValueError, OverflowError):
            return _EARLIEST if sign < 0 else _LATEST

    def __str__(self) -> str:
        names = ("year", "month", "day", "hour")
        parts = [f"{n} {name}{'s' * (n != 1)}" for n, name in zip(self, names, strict=True) if n]
        return ", ".join(parts)
