"""Find the tables that lost too many rows since the backups before."""

from __future__ import annotations

import datetime as dt
import heapq
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from supakeep.domain.copy_versions import versions_of
from supakeep.domain.engine import Engine
from supakeep.domain.manifest import Manifest, Shrinkage, TableEntry, TableStatus, Trigger
from supakeep.domain.objections import objection
from supakeep.domain.plan import Selection
from supakeep.domain.policy import BackupPolicy
from supakeep.domain.schema import Catalog
from supakeep.domain.shrinkage import (
    FormerTable,
    expected_rows,
    former_tables,
    has_shrunk,
    is_named,
    needs_recount,
    renamed_to,
    shrinkage_of,
    vanished_tables,
)
from supakeep.domain.users import may_lose_rows
from supakeep.errors import BucketNotFoundError, DatabaseError, StorageError
from supakeep.ports import ObjectStore, Snapshot
from supakeep.usecases.newest_good import newest_first
from supakeep.usecases.stored_manifests import manifests_of

log = logging.getLogger(__name__)


@dataclass
class FindShrinkage:
    """Compares one backup, whose rows were all read, with those before. What is found gathers in
    `shrinkage`; `warnings` are sentences about what was accepted.
    """

    policy: BackupPolicy
    accepted: Sequence[str]
    snapshot: Snapshot
    catalog: Catalog
    engine: Engine
    shrinkage: list[Shrinkage] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def __call__(
        self,
        former: Mapping[str, FormerTable],
        selections: Sequence[Selection],
        entries: Sequence[TableEntry],
    ) -> None:
        """Compares `entries`, which were exported by `selections`, with `former`."""
        selected = {selection.table.qualified_name: selection for selection in selections}
        for entry in entries:
            known = former.get(entry.name)
            if known is not None and entry.status is TableStatus.COMPLETE:
                self._compare(known, entry, selected[entry.name])
        by_name = {entry.name: entry for entry in entries}
        for gone in vanished_tables(self.policy, former, by_name):
            self._look_for(gone, entries)

    def _compare(self, former: FormerTable, entry: TableEntry, selection: Selection) -> None:
        before, share = expected_rows(former, selection.policy), self.policy.alarms.shrink
        if not has_shrunk(entry.rows, before, share) or self._may_shrink(former):
            return
        if needs_recount(former, selection.policy):
            rows = self._rows_left(former, selection)
            if rows is not None and not has_shrunk(rows, before, share):
                return
        self._found(shrinkage_of(former, entry.rows), former)

    def _look_for(self, gone: FormerTable, entries: Sequence[TableEntry]) -> None:
        if self._may_shrink(gone):
            return
        renamed = renamed_to(gone, entries, self.policy.alarms.shrink)
        if renamed is None:
            self._found(shrinkage_of(gone, None), gone)
        else:
            self.warnings.append(
                f"{gone.entry.name} is gone; {renamed.name} has its columns and rows"
            )

    def _may_shrink(self, former: FormerTable) -> bool:
        table = former.entry.table
        return may_lose_rows(table) or is_named(table, self.policy.alarms.may_shrink)

    def _found(self, shrinkage: Shrinkage, former: FormerTable) -> None:
        if is_named(former.entry.table, self.accepted):
            self.warnings.append(f"{shrinkage.message}; this was accepted")
        else:
            log.warning("%s", shrinkage.message)
            self.shrinkage.append(shrinkage)

    def _rows_left(self, former: FormerTable, selection: Selection) -> int | None:
        """How many rows the policy of the backup before takes now; None where it takes none any more,
        such as of a column that was dropped.
        """
        name, policy = former.entry.name, former.entry.policy
        if objection(name, policy, self.catalog, self.engine, {}) is not None:
            return None
        try:
            return self.snapshot.count(former.selection(selection.table))
        except DatabaseError:
            log.warning("%s could not be counted again", name, exc_info=True)
            return None


def tables_before(
    stores: Sequence[ObjectStore], project: str, now: dt.datetime
) -> dict[str, FormerTable]:
    """The tables of the backups before, from all stores together, without a backup of which stores hold
    different ones: nobody knows which is right. Raises StorageError where a store does not answer and
    the others have no good backup.
    """
    failures: list[StorageError] = []
    listings = [_listed(store, project, now, failures) for store in stores]
    seen: list[Manifest] = []
    merged = heapq.merge(*listings, key=lambda manifest: manifest.started_at, reverse=True)
    tables = former_tables(_kept_in(seen, _agreed(stores, merged)))
    if failures and not any(manifest.is_good for manifest in seen):
        raise failures[0]
    return tables


def _agreed(stores: Sequence[ObjectStore], manifests: Iterable[Manifest]) -> Iterator[Manifest]:
    by_name: dict[str, bool] = {}
    for manifest in manifests:
        if manifest.backup not in by_name:
            copies = manifests_of(stores, manifest.name).items()
            versions = versions_of((s, copy) for s, copy in copies if isinstance(copy, Manifest))
            by_name[manifest.backup] = len(versions) <= 1
        if by_name[manifest.backup]:
            yield manifest
        else:
            log.warning("%s is not compared with: its copies differ", manifest.backup)


def unknown_shrinkage(error: StorageError) -> Shrinkage:
    """Why a backup does not count as good whose predecessors could not be read."""
    return Shrinkage(
        message=f"The backups before could not be read, to compare with: {error.message}",
        hint=error.hint or "Back up again.",
    )


def _listed(
    store: ObjectStore, project: str, now: dt.datetime, failures: list[StorageError]
) -> Iterator[Manifest]:
    try:
        for manifest in newest_first(store, project, now=now):
            if manifest.trigger is not Trigger.PRE_RESTORE:
                yield manifest
    except BucketNotFoundError:
        return  # the first backup of a folder
    except StorageError as exc:
        log.warning("The backups in %s could not be compared with", store.name, exc_info=True)
        failures.append(exc)


def _kept_in(seen: list[Manifest], manifests: Iterator[Manifest]) -> Iterator[Manifest]:
    for manifest in manifests:
        seen.append(manifest)
        yield manifest
