"""Schedules as AWS writes them: when they fire next, and what they are in words."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import Literal

from supakeep.domain.cron import Cron
from supakeep.errors import InvalidRequestError

_FORM = re.compile(r"(cron|rate|at)\((.+)\)")
_RATE = re.compile(r"(\d+) (minute|hour|day)s?")
_DAILY = re.compile(r"(\d+) (\d+) (?:\* \* \?|\? \* \*) \*")
_WEEKLY = re.compile(r"(\d+) (\d+) \? \* ([A-Z,-]+) \*")
_HOURLY = re.compile(r"(\d+) \* (?:\* \* \?|\? \* \*) \*")
_EVERY_HOURS = re.compile(r"(\d+) [*0]/(\d+) (?:\* \* \?|\? \* \*) \*")
_MONTHLY = re.compile(r"(\d+) (\d+) (\d+) \* \? \*")
_DAYS = {
    "SUN": "Sunday",
    "MON": "Monday",
    "TUE": "Tuesday",
    "WED": "Wednesday",
    "THU": "Thursday",
    "FRI": "Friday",
    "SAT": "Saturday",
}


@dataclass(frozen=True)
class Schedule:
    """One schedule of the stack; all of them are in UTC."""

    kind: Literal["backup", "prune", "drill"]
    expression: str
    enabled: bool = True

    def next_after(
        self, moment: dt.datetime, last_run_at: dt.datetime | None
    ) -> dt.datetime | None:
        """The first time after `moment`. A rate is counted from `last_run_at`.

        None where the schedule is off or over, where a rate's last run is not known, and for an
        expression that cannot be read.
        """
        form = _FORM.fullmatch(self.expression.strip())
        if not self.enabled or form is None:
            return None
        try:
            if form[1] == "cron":
                return Cron.parse(form[2]).next_after(moment)
            if form[1] == "rate":
                return _next_of_rate(form[2], moment, last_run_at)
            at = dt.datetime.fromisoformat(form[2]).replace(tzinfo=dt.UTC)
        except (InvalidRequestError, ValueError):
            return None
        return at if at > moment else None

    @property
    def words(self) -> str:
        """The usual expressions in English; any other is its own description."""
        form = _FORM.fullmatch(self.expression.strip())
        if form is None:
            return self.expression.replace("-", " ")
        described = {"cron": _cron_words, "rate": _rate_words, "at": _at_words}[form[1]](form[2])
        return described or f"by {self.expression}"


def _next_of_rate(
    text: str, moment: dt.datetime, last_run_at: dt.datetime | None
) -> dt.datetime | None:
    match = _RATE.fullmatch(text)
    if match is None or last_run_at is None:
        return None
    interval = dt.timedelta(**{f"{match[2]}s": int(match[1])})
    if not interval:
        return None
    missed = (moment - last_run_at) // interval
    return last_run_at + interval * (max(0, missed) + 1)


def _cron_words(text: str) -> str | None:
    fields = text.upper()
    if match := _DAILY.fullmatch(fields):
        return f"every day at {_time(match)}"
    if match := _WEEKLY.fullmatch(fields):
        days = _day_names(match[3])
        return days and f"{days} at {_time(match)}"
    if match := _MONTHLY.fullmatch(fields):
        return f"on day {match[3]} of every month at {_time(match)}"
    if match := _EVERY_HOURS.fullmatch(fields):
        return f"every {match[2]} hours, at minute {match[1]}"
    if match := _HOURLY.fullmatch(fields):
        return f"every hour, at minute {match[1]}"
    return None


def _time(match: re.Match[str]) -> str:
    return f"{int(match[2]):02}:{int(match[1]):02} UTC"


def _day_names(text: str) -> str | None:
    """`Monday to Friday`, or `every Monday and Thursday`; None for a name that is not a day."""
    first, dash, last = text.partition("-")
    if dash:
        known = first in _DAYS and last in _DAYS
        return f"{_DAYS[first]} to {_DAYS[last]}" if known else None
    names = [_DAYS.get(day) for day in text.split(",")]
    return None if None in names else f"every {' and '.join(str(name) for name in names)}"


def _rate_words(text: str) -> str | None:
    match = _RATE.fullmatch(text)
    if match is None:
        return None
    return f"every {match[2]}" if match[1] == "1" else f"every {match[1]} {match[2]}s"


def _at_words(text: str) -> str | None:
    return f"once, at {text.replace('T', ' ')} UTC"
