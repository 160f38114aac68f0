"""Pins: they keep a backup, whatever the rules say."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence

from pydantic import BaseModel, ConfigDict

from supakeep.errors import InvalidRequestError


class Pin(BaseModel):
    """What keeps the copy of a backup in one store: through the day `until` (UTC), or without an end.

    One that cannot be read or believed has a `problem`, and keeps the backup without an end: whoever
    damages a pin must not bring about that a backup goes.
    """

    model_config = ConfigDict(frozen=True)

    store: str
    until: dt.date | None = None
    problem: str | None = None

    @property
    def ends_at(self) -> dt.datetime | None:
        if self.until is None:
            return None
        midnight = dt.datetime.combine(self.until, dt.time(tzinfo=dt.UTC))
        return midnight + dt.timedelta(days=1)

    def holds(self, now: dt.datetime) -> bool:
        return self.ends_at is None or now < self.ends_at

    def __str__(self) -> str:
        if self.problem is not None:
            return f"counts as pinned: {self.problem}"
        return "pinned" if self.until is None else f"pinned until {self.until}"


def joined(pins: Iterable[Pin]) -> Pin | None:
    """The pins of one copy as one, which holds as long as any of them; None where there is none."""
    pins = list(pins)
    if not pins:
        return None
    problems = [pin.problem for pin in pins if pin.problem is not None]
    ends = [pin.until for pin in pins if pin.until is not None]
    return Pin(
        store=pins[0].store,
        until=max(ends) if len(ends) == len(pins) else None,
        problem="; ".join(problems) or None,
    )


def holding(pins: Iterable[Pin], now: dt.datetime) -> tuple[Pin, ...]:
    """Those that are not over."""
    return tuple(pin for pin in pins if pin.holds(now))


def pin_words(pins: Sequence[Pin], locations: Sequence[str]) -> tuple[str, ...]:
    """Pins in words; the stores are named where these pins differ, or not every location has one."""
    same = len({(pin.until, pin.problem) for pin in pins}) == 1
    if same and {pin.store for pin in pins} >= set(locations):
        return (str(pins[0]),)
    return tuple(f"{pin} (in {pin.store})" for pin in pins)


def require_future(until: dt.date | None, now: dt.datetime) -> None:
    """Raises InvalidRequestError for a pin that would be over at once."""
    if until is not None and not Pin(store="", until=until).holds(now):
        raise InvalidRequestError(
            f"A pin until {until} would be over already",
            operation="pin",
            key="until",
            hint="Name a day that is not over in UTC, or leave it out to pin the backup until it is unpinned.",
        )
