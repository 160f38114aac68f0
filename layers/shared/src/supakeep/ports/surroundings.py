"""Time, and whoever watches the work."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Protocol


class Clock(Protocol):
    """The only source of the present time, so that a test can set it."""

    def now(self) -> dt.datetime:
        """The present moment, aware, in UTC."""
        ...

    def steady_seconds(self) -> float:
        """Seconds that only go on, also while the machine sleeps, however the present moment is set."""
        ...


class Deadline(Protocol):
    """The time that is left, asked between two steps of long work."""

    def check(self) -> None:
        """Raises DeadlineExceededError when too little time is left to end in good order."""
        ...


class TimeLimit(Deadline, Protocol):
    """A deadline that says when it will be reached."""

    def seconds_left(self) -> float | None:
        """How long until `check` raises; None where there is no end."""
        ...


class Progress(Protocol):
    """Sees how far a run is."""

    def expect(self, rows: Mapping[str, int]) -> None:
        """How many rows each table will probably have; a table is missing where nobody knows."""
        ...

    def table(self, name: str, rows: int, status: str) -> None:
        """`rows` so far; status is `running`, `complete` or `failed`."""
        ...

    def phase(self, name: str) -> None:
        """A step of the run begins, such as `keeping an undo copy`."""
        ...


class Transfers(Protocol):
    """Sees how far the objects of a backup are that are copied from one store to another."""

    def expect(self, sizes: Mapping[str, int]) -> None:
        """The bytes of each object, by its key."""
        ...

    def moved(self, key: str, size_bytes: int, status: str) -> None:
        """`size_bytes` so far; status is `running`, `complete` or `already there`."""
        ...
