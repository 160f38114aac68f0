"""A clock that stands still and a deadline that is reached on purpose."""

from __future__ import annotations

import datetime as dt

from supakeep.errors import DeadlineExceededError

NOON = dt.datetime(2026, 11, 22, 12, 0, 0, tzinfo=dt.UTC)


class FixedClock:
    """Shows `at` until it is moved; `tick_seconds` moves it with every look."""

    def __init__(self, at: dt.datetime = NOON, *, tick_seconds: float = 0) -> None:
        self._at = self._began_at = at
        self._tick = dt.timedelta(seconds=tick_seconds)
        self._set_by = dt.timedelta()

    def now(self) -> dt.datetime:
        self._at += self._tick
        return self._at

    def steady_seconds(self) -> float:
        return (self._at - self._began_at - self._set_by).total_seconds()

    def advance(self, **duration: float) -> None:
        """Moves on by timedelta's arguments: `advance(days=1)`."""
        self._at += dt.timedelta(**duration)

    def jump(self, **duration: float) -> None:
        """Is set to another time, while no time passes: `jump(hours=-1)`."""
        self._at += dt.timedelta(**duration)
        self._set_by += dt.timedelta(**duration)


class NeverExpires:
    """A deadline that is never reached."""

    def check(self) -> None:
        return None


class Lasts(NeverExpires):
    """A deadline that is always so far away, and never reached."""

    def __init__(self, seconds: float | None) -> None:
        self._seconds = seconds

    def seconds_left(self) -> float | None:
        return self._seconds


class ExpiringDeadline:
    """Lets `checks` checks pass; the next one finds the time used up."""

    def __init__(self, checks: int) -> None:
        self._left = checks

    def check(self) -> None:
        if self._left == 0:
            raise DeadlineExceededError("The time ran out", operation="check deadline")
        self._left -= 1
