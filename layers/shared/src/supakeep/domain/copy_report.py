"""What `supakeep copy` found and did."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict

from supakeep.domain.manifest_parts import Problem

CopyState = Literal["whole", "copied", "kept out", "failed"]


class CopiedFiles(BaseModel):
    """Objects that hold files of Storage: `written` were missing, `replaced` cut short or damaged, `bytes`
    is what was written of both; in a dry run, what would be.
    """

    model_config = ConfigDict(frozen=True)

    written: int = 0
    replaced: int = 0
    bytes: int = 0


class CopiedStore(BaseModel):
    """One backup in one store. `written` are the objects that it lacked, `replaced` those that were
    damaged, and `bytes` what was written of both; in a dry run, what would be. `files` is the same of its
    files, None where the store is to hold none. `kept_out` says why a backup was not copied on purpose.
    """

    model_config = ConfigDict(frozen=True)

    store: str
    written: tuple[str, ...] = ()
    replaced: tuple[str, ...] = ()
    bytes: int = 0
    files: CopiedFiles | None = None
    kept_out: str | None = None
    problem: Problem | None = None

    @property
    def state(self) -> CopyState:
        if self.problem is not None:
            return "failed"
        if self.kept_out is not None:
            return "kept out"
        has_copied = self.written or self.replaced or self.bytes or self._has_copied_files
        return "copied" if has_copied else "whole"

    @property
    def _has_copied_files(self) -> bool:
        return self.files is not None and bool(self.files.written or self.files.replaced)


class CopiedBackup(BaseModel):
    """One backup in each store that was looked at."""

    model_config = ConfigDict(frozen=True)

    backup: str
    stores: tuple[CopiedStore, ...]

    def without_details(self) -> Self:
        """Without the keys of objects; `bytes` still says whether there were any."""
        none: dict[str, tuple[str, ...]] = {"written": (), "replaced": ()}
        stores = tuple(store.model_copy(update=none) for store in self.stores)
        return self.model_copy(update={"stores": stores})


class CopyReport(BaseModel):
    """Newest backups first. `unlisted` are by store what kept a listing from being whole."""

    model_config = ConfigDict(frozen=True)

    dry_run: bool
    backups: tuple[CopiedBackup, ...]
    unlisted: dict[str, Problem] = {}
    warnings: tuple[str, ...] = ()

    @property
    def is_whole(self) -> bool:
        return not self.problems

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What kept a store from being whole."""
        failed = (store.problem for backup in self.backups for store in backup.stores)
        return (*self.unlisted.values(), *(problem for problem in failed if problem is not None))

    def without_details(self) -> Self:
        """Without the keys of objects, which can be many."""
        return self.model_copy(
            update={"backups": tuple(backup.without_details() for backup in self.backups)}
        )
