"""Prune backups: apply retention to each store, and sweep what crashed runs left."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Sequence
from dataclasses import dataclass

from supakeep.domain.backup_name import FOLDER, MANIFEST_SUFFIX, BackupName, ObjectName
from supakeep.domain.manifest import Manifest
from supakeep.domain.policy import RetentionPolicy
from supakeep.domain.prune import PrunedBackup, PrunedStore, PruneReport
from supakeep.domain.retention import apply_retention, is_of_the_future
from supakeep.domain.run import problem_of
from supakeep.errors import BackupNotFoundError, IntegrityError, StorageError
from supakeep.ports import Clock, Deadline, ObjectStore, StoredObject
from supakeep.usecases.find_backups import check_sizes, read_manifest

log = logging.getLogger(__name__)

LEFTOVER_AGE = dt.timedelta(days=1)


@dataclass(frozen=True)
class PruneBackups:
    """Applies `policy` to the backups of `project` alone; others' in the same store stay."""

    policy: RetentionPolicy
    project: str
    clock: Clock
    deadline: Deadline
    in_use: frozenset[str] = frozenset()

    def __call__(self, stores: Sequence[ObjectStore], *, dry_run: bool) -> PruneReport:
        """Each store is judged by its own listing, so that a backup that only one of them holds is
        never removed for another's sake. A store whose listing fails is left alone.
        """
        pruned, newest = [], []
        for store in stores:
            report, newest_good = self._prune(store, dry_run=dry_run)
            pruned.append(report)
            newest += [newest_good] if newest_good else []
        return PruneReport(
            project=self.project,
            dry_run=dry_run,
            stores=tuple(pruned),
            newest_good_at=max(newest, default=None),
        )

    def _prune(
        self, store: ObjectStore, *, dry_run: bool
    ) -> tuple[PrunedStore, dt.datetime | None]:
        try:
            objects = self._objects_by_backup(store)
            manifests, untrusted = self._manifests(store, objects)
            doomed = self._decide(manifests, untrusted, objects)
            now = self.clock.now()
            good = (m.started_at for m in manifests if m.is_good and not is_of_the_future(m, now))
            newest = max(good, default=None)
            if not dry_run:
                for name, decision in doomed:
                    if decision.removed:
                        self._remove(store, objects[name])
        except StorageError as exc:
            log.exception("%s was not pruned to the end", store.name)
            return PrunedStore(store=store.name, problem=problem_of(exc)), None
        return PrunedStore(store=store.name, backups=tuple(d for _, d in doomed)), newest

    def _objects_by_backup(self, store: ObjectStore) -> dict[BackupName, list[StoredObject]]:
        objects: dict[BackupName, list[StoredObject]] = {}
        for stored in store.list(f"{FOLDER}/backup_{self.project}_"):
            parsed = ObjectName.parse(stored.key)
            if parsed is not None and parsed.backup.project_ref == self.project:
                objects.setdefault(parsed.backup, []).append(stored)
        return objects

    def _manifests(
        self, store: ObjectStore, objects: dict[BackupName, list[StoredObject]]
    ) -> tuple[list[Manifest], dict[BackupName, str]]:
        manifests, untrusted = [], {}
        for name, stored in objects.items():
            self.deadline.check()
            if not any(entry.key == name.manifest_key for entry in stored):
                continue
            try:
                manifest = read_manifest(store, name)
                sizes = {entry.key: entry.size_bytes for entry in stored}
                check_sizes(manifest, sizes, read_from=store.name)
            except (IntegrityError, BackupNotFoundError) as exc:
                untrusted[name] = exc.message
                continue
            manifests.append(manifest)
        return manifests, untrusted

    def _decide(
        self,
        manifests: list[Manifest],
        untrusted: dict[BackupName, str],
        objects: dict[BackupName, list[StoredObject]],
    ) -> list[tuple[BackupName, PrunedBackup]]:
        now = self.clock.now()
        decisions = {
            decision.manifest.name: (not decision.keep, decision.reason)
            for decision in apply_retention(self.policy, manifests, now)
        }
        for name, stored in objects.items():
            if name.text in self.in_use:
                decisions[name] = (False, "a restore is reading it")
            elif name in untrusted:
                # it may be the only copy, and a person may still save it
                decisions[name] = (False, f"kept for a look by hand: {untrusted[name]}")
            elif name not in decisions:
                decisions[name] = _judge_leftover(stored, now)
        return [
            (name, _pruned(name, objects[name], removed=removed, reason=reason))
            for name, (removed, reason) in decisions.items()
        ]

    def _remove(self, store: ObjectStore, stored: list[StoredObject]) -> None:
        """The manifest goes first: without it the rest is no backup, whatever happens next."""
        for entry in sorted(stored, key=_is_volume):
            self.deadline.check()
            store.delete(entry.key)


def _judge_leftover(stored: list[StoredObject], now: dt.datetime) -> tuple[bool, str]:
    youngest = max(entry.modified_at for entry in stored)
    if now - youngest > LEFTOVER_AGE:
        return True, "left by a run that did not finish"
    return False, "has no manifest yet: a run may be at work"


def _pruned(
    name: BackupName, stored: list[StoredObject], *, removed: bool, reason: str
) -> PrunedBackup:
    return PrunedBackup(
        name=name.text,
        removed=removed,
        reason=reason,
        objects=len(stored),
        bytes=sum(entry.size_bytes for entry in stored),
    )


def _is_volume(stored: StoredObject) -> bool:
    return not stored.key.endswith(MANIFEST_SUFFIX)
