"""What proves one rung of a drill, or fails to."""

from __future__ import annotations

from collections.abc import Sequence

from supakeep.domain.manifest_parts import Problem

Figures = dict[str, int]
"""What was looked at, counted."""


class RungFailedError(Exception):
    """What a rung has to prove does not hold, in each of these respects."""

    def __init__(self, problems: Sequence[Problem], figures: Figures) -> None:
        super().__init__("; ".join(problem.message for problem in problems))
        self.problems = tuple(problems)
        self.figures = figures
