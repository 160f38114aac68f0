"""What a verification found out about each copy of a backup."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

from pydantic import BaseModel, ConfigDict

from supakeep.domain.manifest_parts import Problem

_FEW = 3


class VerifiedContents(BaseModel):
    """What was read and found right: objects, their bytes, and the rows of each table. Without
    `contents_read` the objects were read, and not the rows: they are encrypted. `files` are the objects of
    Storage's files that the backup names; with `files_read` every byte of them was read.
    """

    model_config = ConfigDict(frozen=True)

    objects: int = 0
    bytes: int = 0
    tables: dict[str, int] = {}
    contents_read: bool = True
    files: int = 0
    files_read: bool = False


class VerifiedCopy(VerifiedContents):
    """One copy. `problem` says what is wrong with it, None where it is good; of a copy with a problem,
    nothing counts as found right.
    """

    store: str
    good: bool
    problem: Problem | None = None

    @classmethod
    def of(cls, store: str, contents: VerifiedContents, problems: Sequence[Problem]) -> Self:
        """The copy in `store`, which has `contents` unless there are problems."""
        if not problems:
            return cls(store=store, good=True, **dict(contents))
        more = f" ({len(problems) - _FEW:,} more)" if len(problems) > _FEW else ""
        message = f"{'; '.join(problem.message for problem in problems[:_FEW])}{more}"
        hint = next((problem.hint for problem in problems if problem.hint), None)
        problem = Problem(message=message, hint=hint)
        return cls(store=store, good=False, problem=problem)


class VerificationReport(VerifiedContents):
    """The copies in the order in which a restore looks for them, and what one of them has right, or all
    of them together. `warnings` name what `latest` passed over.
    """

    backup: str
    copies: tuple[VerifiedCopy, ...]
    warnings: tuple[str, ...] = ()

    @property
    def is_whole(self) -> bool:
        return not self.problems

    @property
    def problems(self) -> tuple[Problem, ...]:
        return tuple(copy.problem for copy in self.copies if copy.problem is not None)

    @property
    def good_in(self) -> tuple[str, ...]:
        """The stores whose copy is good."""
        return tuple(copy.store for copy in self.copies if copy.good)

    def without_details(self) -> Self:
        """Without the tables, which can be many."""
        copies = tuple(copy.model_copy(update={"tables": {}}) for copy in self.copies)
        return self.model_copy(update={"copies": copies, "tables": {}})
