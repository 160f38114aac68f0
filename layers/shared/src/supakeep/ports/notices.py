"""Who hears of runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from supakeep.domain.notice import Audience, Notice
from supakeep.domain.run import Run


class Notifier(Protocol):
    """Tells of runs. It never raises, and takes a few seconds at most: what cannot be told is logged, and a
    run does not fail because nobody heard of it.
    """

    @property
    def audience(self) -> Audience: ...

    def started(self, run: Run) -> None: ...

    def ended(self, notice: Notice) -> None: ...


@dataclass(frozen=True)
class Silence:
    """Nobody hears of runs: nobody is meant to, or `audience` says what is wrong."""

    audience: Audience = field(default_factory=Audience)

    def started(self, run: Run) -> None:  # noqa: ARG002
        return None

    def ended(self, notice: Notice) -> None:  # noqa: ARG002
        return None
