"""What an erasure takes out of backups that are kept, and what it has done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from pydantic import BaseModel, ConfigDict

from supakeep.domain.manifest_parts import Problem
from supakeep.domain.policy import DEFAULT_SCHEMA
from supakeep.errors import UnsafeOperationError

_FEW = 20

NOT_REACHED = (
    "the database: delete the rows there, or the next backup holds them again",
    "other tables: each needs an erasure of its own",
    "files of Storage: they leave the copies when no backup names them",
    "former versions of objects: a bucket with versioning keeps them until its own rules remove them",
    "folders of `download` and `backup --to`: erase from a folder of backups with --from",
)
"""What no erasure changes, with what to do about it."""


@dataclass(frozen=True)
class Erasure:
    """The rows of `table` (`schema.table`) whose columns have the values of `where`, as text."""

    table: str
    where: Mapping[str, str]

    @classmethod
    def of(cls, table: str, where: Mapping[str, str]) -> Self:
        """`table` without a schema is in `public`."""
        return cls(table if "." in table else f"{DEFAULT_SCHEMA}.{table}", where)


class ErasureState(StrEnum):
    """`matching`: a dry run has found rows, or what an interrupted erasure left. `not erased`: the rows are still
    there, or nobody knows.
    """

    MATCHING = "matching"
    ERASED = "erased"
    NOT_ERASED = "not erased"


class ErasedStore(BaseModel):
    """One store that holds the backup. `left` are the keys of objects with the rows that are still there, because
    of the `problem`.
    """

    model_config = ConfigDict(frozen=True)

    store: str
    state: ErasureState
    left: tuple[str, ...] = ()
    problem: Problem | None = None


class ErasedBackup(BaseModel):
    """One backup with the number of its `rows` that match. With a `problem`, it was not looked through in any
    store.
    """

    model_config = ConfigDict(frozen=True)

    backup: str
    rows: int = 0
    stores: tuple[ErasedStore, ...] = ()
    problem: Problem | None = None

    @property
    def problems(self) -> list[Problem]:
        found = (self.problem, *(store.problem for store in self.stores))
        return [problem for problem in found if problem is not None]


class EraseReport(BaseModel):
    """`columns` are those whose values were given; no value stands here. `backups` are those with matching rows
    and those with a problem, of so many that were `looked_through`. `unlisted` are the stores that could not be
    listed; `meanwhile` says which backups came while it was at work, and may hold the rows.
    """

    model_config = ConfigDict(frozen=True)

    project: str
    dry_run: bool
    table: str
    columns: tuple[str, ...]
    looked_through: int
    backups: tuple[ErasedBackup, ...] = ()
    unlisted: dict[str, Problem] = {}
    meanwhile: Problem | None = None
    not_reached: tuple[str, ...] = NOT_REACHED

    @property
    def rows(self) -> int:
        """Rows that match, or were erased, each counted once for each backup."""
        return sum(found.rows for found in self.backups if self.dry_run or _is_erased(found))

    @property
    def erased_backups(self) -> int:
        return sum(_is_erased(found) for found in self.backups)

    @property
    def has_work(self) -> bool:
        return any(
            store.state is ErasureState.MATCHING for found in self.backups for store in found.stores
        )

    @property
    def is_whole(self) -> bool:
        return not self.problems

    @property
    def problems(self) -> tuple[Problem, ...]:
        of_backups = (problem for found in self.backups for problem in found.problems)
        return (*self.unlisted.values(), *of_backups, *filter(None, [self.meanwhile]))

    @property
    def warnings(self) -> tuple[str, ...]:
        return ()

    def without_details(self) -> Self:
        return self.model_copy(update={"backups": self.backups[:_FEW]})


def _is_erased(found: ErasedBackup) -> bool:
    return any(store.state is ErasureState.ERASED for store in found.stores)


def require_erasure_confirmation(ref: str, confirm: str) -> None:
    """Raises UnsafeOperationError unless the project's ref is repeated."""
    if confirm != ref:
        raise UnsafeOperationError(
            f"The erasure was not confirmed: {confirm[:100]!r} was given",
            operation="erase",
            key=ref,
            hint=f"Repeat the project's ref: --confirm {ref}. Without it, the command only shows what matches.",
        )
