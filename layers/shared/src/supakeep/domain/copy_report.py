"""What `supakeep copy` found and did."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from supakeep.domain.manifest import Problem

CopyState = Literal["whole", "copied", "kept out", "failed"]


class CopiedStore(BaseModel):
    """One backup in one store. `written` are the objects that it lacked, `replaced` those that were
    damaged, and `bytes` what was written of both; in a dry run, what would be. `kept_out` says why a
    backup was not copied on purpose.
    """

    model_config = ConfigDict(frozen=True)

    store: str
    written: tuple[str, ...] = ()
    replaced: tuple[str, ...] = ()
    bytes: int = 0
    kept_out: str | None = None
    problem: Problem | None = None

    @property
    def state(self) -> CopyState:
        if self.problem is not None:
            return "failed"
        if self.kept_out is not None:
            return "kept out"
        return "copied" if self.written or self.replaced else "whole"


class CopiedBackup(BaseModel):
    """One backup in each store that was looked at."""

    model_config = ConfigDict(frozen=True)

    backup: str
    stores: tuple[CopiedStore, ...]


class CopyReport(BaseModel):
    """Newest backups first. `problems` are by store what kept a listing from being whole."""

    model_config = ConfigDict(frozen=True)

    dry_run: bool
    backups: tuple[CopiedBackup, ...]
    problems: dict[str, Problem] = {}

    @property
    def is_whole(self) -> bool:
        failed = any(store.problem for backup in self.backups for store in backup.stores)
        return not failed and not self.problems
