"""What a prune decided and did."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Self

from pydantic import BaseModel, ConfigDict

from supakeep.domain.manifest_parts import Problem
from supakeep.domain.swept_files import SweptFiles
from supakeep.domain.untrusted import Untrusted


class PrunedBackup(BaseModel):
    """What was decided on one backup, or on the leftovers of one that never became a backup."""

    model_config = ConfigDict(frozen=True)

    name: str
    removed: bool
    reason: str
    objects: int
    bytes: int


class PrunedStore(BaseModel):
    """One store; with a `problem`, nothing was concluded about what was not read. `files` is None where
    no backup names any.
    """

    model_config = ConfigDict(frozen=True)

    store: str
    backups: tuple[PrunedBackup, ...] = ()
    files: SweptFiles | None = None
    problem: Problem | None = None


class PruneReport(BaseModel):
    """In a dry run, `removed` says what would be. `newest_good_at` is that of all stores. `held` says
    why nothing at all was removed. `differing` are the backups of which stores hold different ones;
    none of them is removed. `unread_ledgers` are those that could not be listed, by their stores: what a
    drill may have proven is kept.
    """

    model_config = ConfigDict(frozen=True)

    project: str
    dry_run: bool
    stores: tuple[PrunedStore, ...] = ()
    newest_good_at: dt.datetime | None = None
    held: Problem | None = None
    differing: tuple[Untrusted, ...] = ()
    unread_ledgers: dict[str, Problem] = {}

    def with_files(self, swept: Mapping[str, SweptFiles]) -> Self:
        """With what became of the files in each store, by its name."""
        stores = (s.model_copy(update={"files": swept.get(s.store)}) for s in self.stores)
        return self.model_copy(update={"stores": tuple(stores)})

    @property
    def removed(self) -> int:
        return sum(backup.removed for store in self.stores for backup in store.backups)

    @property
    def is_whole(self) -> bool:
        return not self.problems

    @property
    def problems(self) -> tuple[Problem, ...]:
        failed = {store.store: store.problem for store in self.stores if store.problem}
        # a store that fails is one problem, and not two
        swept = [store.files.problem for store in self.stores if store.files]
        failing = {**self.unread_ledgers, **failed}.values()
        candidates = (self.held, *self.differing, *failing, *dict.fromkeys(swept))
        return tuple(problem for problem in candidates if problem is not None)

    @property
    def warnings(self) -> tuple[str, ...]:
        return ()

    def without_details(self) -> Self:
        return self.model_copy(update={"stores": ()})
