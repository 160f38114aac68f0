"""What of a project a backup holds, and what it does not and why: the `coverage` of its manifest."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Sequence
from enum import StrEnum

from pydantic import NonNegativeInt

from supakeep.domain.manifest_parts import ManifestPart, Problem
from supakeep.domain.project_object import ObjectKind

# a manifest is read often; a project may have thousands of functions
_MOST_GAPS = 500
_FEW_GAPS = 20

EVERYTHING = "all"
"""The name of a kind as a whole, whose objects cannot be seen one by one."""


class CoverageState(StrEnum):
    """What became of an object of the project in a backup; the value is part of the format."""

    BACKED_UP = "backed up"
    CONFIGURED_OUT = "configured out"
    NOT_SUPPORTED = "not supported"
    FAILED = "failed"


class KindCoverage(ManifestPart):
    """How many objects of one kind are in which state."""

    kind: str
    backed_up: NonNegativeInt = 0
    configured_out: NonNegativeInt = 0
    not_supported: NonNegativeInt = 0
    failed: NonNegativeInt = 0


class Gap(ManifestPart):
    """An object that the backup does not hold. `is_expected` where the configuration says so by name, or no
    backup ever could. `since` is when a backup first lacked it: None where it has done so since the first
    backup that looked.
    """

    kind: str
    name: str
    state: CoverageState
    why: str
    is_expected: bool = False
    since: dt.datetime | None = None

    def __str__(self) -> str:
        since = f" since {self.since:%Y-%m-%d}" if self.since else ""
        return f"{self.kind} {self.name}: {self.state}{since}: {self.why}"


class ProjectCoverage(ManifestPart):
    """`gaps` are what is not backed up, those first that need attention; `unlisted` are so many more of them.
    `appeared` are those of them that the backup `before` did not have. `problem` says why not everything
    could be looked at.
    """

    kinds: tuple[KindCoverage, ...] = ()
    gaps: tuple[Gap, ...] = ()
    appeared: tuple[Gap, ...] = ()
    unlisted: NonNegativeInt = 0
    before: str | None = None
    problem: Problem | None = None


class Judged(ManifestPart):
    """One object with its state; `why` is empty where it is backed up."""

    kind: ObjectKind
    name: str
    state: CoverageState
    why: str = ""
    is_expected: bool = False


def summed_up(judged: Sequence[Judged], problem: Problem | None = None) -> ProjectCoverage:
    """The counts by kind, and each gap as far as a manifest has room."""
    gaps = [
        Gap(kind=one.kind, name=one.name, state=one.state, why=one.why, is_expected=one.is_expected)
        for one in judged
        if one.state is not CoverageState.BACKED_UP
    ]
    gaps.sort(key=lambda gap: (gap.is_expected, gap.kind, gap.name))
    return ProjectCoverage(
        kinds=tuple(_counts(judged)),
        gaps=tuple(gaps[:_MOST_GAPS]),
        unlisted=max(0, len(gaps) - _MOST_GAPS),
        problem=problem,
    )


def compared(
    coverage: ProjectCoverage, before: tuple[str, ProjectCoverage] | None, at: dt.datetime
) -> ProjectCoverage:
    """`coverage` at `at`, with what it lacks that the backup `before`, by its name, did not lack.

    Where that one could not list everything, what it does not list may be old, and is not new.
    """
    if before is None:
        return coverage
    name, former = before
    known = {_key(gap): gap for gap in former.gaps}
    is_whole = not former.unlisted and former.problem is None
    gaps, appeared = list[Gap](), list[Gap]()
    for gap in coverage.gaps:
        old = known.get(_key(gap))
        is_new = old is None and is_whole and not gap.is_expected
        since = at if is_new else (old.since if old else None)
        gaps.append(gap.model_copy(update={"since": since}))
        appeared += gaps[-1:] if is_new else []
    update = {"gaps": tuple(gaps), "appeared": tuple(appeared), "before": name}
    return coverage.model_copy(update=update)


def appeared_words(gaps: Sequence[Gap]) -> list[str]:
    """A sentence for each of the first ones, and one that counts the others: where pg_dump is missing for
    a night, every function is among them.
    """
    words = [f"Not in the backup, and new: {gap}" for gap in gaps[:_FEW_GAPS]]
    further = len(gaps) - _FEW_GAPS
    return [*words, f"{further:,} more are new and not in the backup"] if further > 0 else words


def uncovered_words(coverage: ProjectCoverage) -> str:
    """How many of each kind are not in the backup, such as `1 bucket, 2 tables`, without what the
    configuration names and what no backup could hold; empty where that is none.
    """
    gaps = [gap for gap in coverage.gaps if not gap.is_expected]
    alone = {gap.kind for gap in gaps if gap.name == EVERYTHING}
    counted = Counter(gap.kind for gap in gaps)
    words = [_counted(kind, None if kind in alone else n) for kind, n in sorted(counted.items())]
    return ", ".join([*words, *([f"{coverage.unlisted:,} more"] if coverage.unlisted else [])])


def _counted(kind: str, count: int | None) -> str:
    if kind.endswith("s"):
        return kind
    several = f"{kind[:-1]}ies" if kind.endswith("y") else f"{kind}s"
    return several if count is None else f"{count:,} {kind if count == 1 else several}"


def _key(gap: Gap) -> tuple[str, str, CoverageState]:
    return gap.kind, gap.name, gap.state


def _counts(judged: Iterable[Judged]) -> list[KindCoverage]:
    counted = Counter((one.kind, one.state) for one in judged)
    return [
        KindCoverage(
            kind=kind,
            backed_up=counted[kind, CoverageState.BACKED_UP],
            configured_out=counted[kind, CoverageState.CONFIGURED_OUT],
            not_supported=counted[kind, CoverageState.NOT_SUPPORTED],
            failed=counted[kind, CoverageState.FAILED],
        )
        for kind in ObjectKind
        if any(counted[kind, state] for state in CoverageState)
    ]
