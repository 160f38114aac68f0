"""What a verification found out about each copy of a backup."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, ConfigDict

from supakeep.domain.manifest import Problem


class VerifiedCopy(BaseModel):
    """One copy. `problem` says what is wrong with it, None where it is good; `objects`, `bytes` and the
    rows of `tables` are what was read and found right, none of a copy with a problem. Without
    `contents_read` the objects were read, and not the rows: they are encrypted.
    """

    model_config = ConfigDict(frozen=True)

    store: str
    good: bool
    problem: Problem | None = None
    objects: int = 0
    bytes: int = 0
    tables: dict[str, int] = {}
    contents_read: bool = True


class VerificationReport(BaseModel):
    """The copies in the order in which a restore looks for them."""

    model_config = ConfigDict(frozen=True)

    backup: str
    copies: tuple[VerifiedCopy, ...]
    warnings: tuple[str, ...] = ()

    @property
    def is_whole(self) -> bool:
        return not self.problems

    @property
    def problems(self) -> tuple[Problem, ...]:
        return tuple(copy.problem for copy in self.copies if copy.problem is not None)

    def without_details(self) -> Self:
        """Without the tables, which can be many."""
        copies = tuple(copy.model_copy(update={"tables": {}}) for copy in self.copies)
        return self.model_copy(update={"copies": copies})
