"""What the operating system gives."""

from __future__ import annotations

import datetime as dt


class SystemClock:
    """The machine's clock, in UTC."""

    def now(self) -> dt.datetime:
        return dt.datetime.now(dt.UTC)


class NoDeadline:
    """A process that may take as long as it needs."""

    def check(self) -> None:
        return None
