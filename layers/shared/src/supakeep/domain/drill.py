"""A drill: a backup restored into a database that is thrown away, and what that proves."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Self

from pydantic import BaseModel, ConfigDict, NonNegativeInt

from supakeep.domain.manifest_parts import Problem
from supakeep.domain.portion import Portion


class Rung(StrEnum):
    """What a drill proves, in this order. The values are part of the ledger, so none is ever renamed."""

    STORED = "stored"
    READABLE = "readable"
    RESTORABLE = "restorable"
    IDENTICAL = "identical"
    ASSERTED = "asserted"


class RungOutcome(StrEnum):
    """`not tried`: nothing speaks against it, and nothing for it; the rung's problem says why."""

    PROVEN = "proven"
    FAILED = "failed"
    NOT_TRIED = "not tried"


class _Recorded(BaseModel):
    # a later version may record more
    model_config = ConfigDict(frozen=True, extra="ignore")


class RungReport(_Recorded):
    """One rung. `figures` count what was looked at: objects, bytes, copies, tables, rows, definitions,
    assertions.
    """

    rung: Rung
    outcome: RungOutcome
    figures: dict[str, NonNegativeInt] = {}
    milliseconds: NonNegativeInt = 0
    problems: tuple[Problem, ...] = ()


class AssertionResult(_Recorded):
    """Whether what the user asserts of the rows holds; `problem` says why not."""

    name: str
    holds: bool
    milliseconds: NonNegativeInt = 0
    problem: Problem | None = None


class NotProven(_Recorded):
    """Something that this drill says nothing about, and why."""

    what: str
    why: str


class BrokenOff(_Recorded):
    """What ended a drill before its end, and the rung that it was working on: no time or room was left, or the
    server was lost or did not start. It says nothing about the backup.
    """

    rung: Rung
    problem: Problem


class Unrecorded(_Recorded):
    """A store whose ledger lacks a drill, and why."""

    store: str
    problem: Problem


class DrillReport(_Recorded):
    """What a drill of `backup` in the database `into` has proven, rung by rung, from the lowest.

    `portion` is what it is about where the backup is too large for one drill, None where it is about all.
    `broken_off` says what ended a drill that did not come to its end: it proves nothing, and nothing of it but
    a rung that had failed before speaks against the backup.
    `restore_milliseconds` is how long the rows took to come back, None where they did not. `entry` is
    the key under which each store's ledger has the drill, and `unrecorded` are the stores that do not
    have it.
    """

    backup: str
    into: str
    server_version: str | None = None
    portion: Portion | None = None
    rungs: tuple[RungReport, ...]
    assertions: tuple[AssertionResult, ...] = ()
    not_proven: tuple[NotProven, ...] = ()
    broken_off: BrokenOff | None = None
    restore_milliseconds: NonNegativeInt | None = None
    entry: str | None = None
    unrecorded: tuple[Unrecorded, ...] = ()

    @property
    def proven(self) -> tuple[Rung, ...]:
        """The rungs that are proven."""
        return tuple(r.rung for r in self.rungs if r.outcome is RungOutcome.PROVEN)

    @property
    def reached(self) -> Rung | None:
        """The highest rung that is proven with all below it; None where even the lowest is not."""
        highest = None
        for report in self.rungs:
            if report.outcome is not RungOutcome.PROVEN:
                break
            highest = report.rung
        return highest

    @property
    def height(self) -> int:
        """How many rungs are proven, from the lowest without a gap."""
        return 0 if self.reached is None else list(Rung).index(self.reached) + 1

    @property
    def rows_per_second(self) -> float | None:
        """How fast rows came back; None where none did."""
        if not self.restore_milliseconds:
            return None
        rows = self.rung(Rung.RESTORABLE).figures.get("rows", 0)
        return rows * 1000 / self.restore_milliseconds

    @property
    def came_back(self) -> bool:
        """Whether the rows that this drill was about came back as they were written."""
        return self.broken_off is None and {Rung.RESTORABLE, Rung.IDENTICAL}.issubset(self.proven)

    @property
    def restores(self) -> bool:
        """Whether the backup is shown to restore as a whole, by this drill or by the last one of those that
        have each proven some of its tables.
        """
        return self.came_back and (self.portion is None or self.portion.completes)

    @property
    def goes_on(self) -> bool:
        """Whether the next drill of this backup has tables to prove that none has looked at."""
        return self.came_back and self.portion is not None and bool(self.portion.left)

    @property
    def says_something(self) -> bool:
        """Whether anything of it speaks for the backup, or against it."""
        return self.broken_off is None or not self.is_whole

    @property
    def is_whole(self) -> bool:
        """Whether no rung failed."""
        return not any(r.outcome is RungOutcome.FAILED for r in self.rungs)

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Why rungs failed; nothing of those that were not tried."""
        failed = (r for r in self.rungs if r.outcome is RungOutcome.FAILED)
        return tuple(problem for r in failed for problem in r.problems)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What was not proven, and where that is not recorded, a sentence each."""
        return (
            *(
                f"The ledger of {u.store} lacks this drill: {u.problem.message}"
                for u in self.unrecorded
            ),
            *(f"Not proven: {note.what} ({note.why})" for note in self.not_proven),
        )

    def rung(self, rung: Rung) -> RungReport:
        """What is recorded of this rung."""
        return next(report for report in self.rungs if report.rung is rung)

    def without_details(self) -> Self:
        """Without what the run's record has no room for: the ledger has it."""
        failed = tuple(a for a in self.assertions if not a.holds)
        portion = self.portion and self.portion.without_details()
        update = {"assertions": failed[:20], "not_proven": (), "portion": portion}
        return self.model_copy(update=update)


def rungs_above(rung: Rung, why: str) -> Sequence[RungReport]:
    """The rungs above this one, none of which was tried, for this reason."""
    ladder = list(Rung)
    return not_tried(ladder[ladder.index(rung) + 1 :], why)


def not_tried(rungs: Sequence[Rung], why: str) -> list[RungReport]:
    """These rungs, none of which was proven or has failed, for this reason."""
    return [
        RungReport(rung=r, outcome=RungOutcome.NOT_TRIED, problems=(Problem(message=why),))
        for r in rungs
    ]
