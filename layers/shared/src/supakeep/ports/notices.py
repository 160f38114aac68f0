"""Who hears of runs."""

from __future__ import annotations

from typing import Protocol

from supakeep.domain.notice import Notice
from supakeep.domain.run import Run


class Notifier(Protocol):
    """Tells of runs. It never raises, and takes a few seconds at most: what cannot be told is logged, and a
    run does not fail because nobody heard of it.
    """

    def started(self, run: Run) -> None: ...

    def ended(self, notice: Notice) -> None: ...


class Silence:
    """Nobody is to hear of runs."""

    def started(self, run: Run) -> None:  # noqa: ARG002
        return None

    def ended(self, notice: Notice) -> None:  # noqa: ARG002
        return None
