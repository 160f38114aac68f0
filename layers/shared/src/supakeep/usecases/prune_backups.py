"""Prune backups: apply retention to each store, and sweep what crashed runs left."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Self

from supakeep.domain.backup_name import FOLDER, MANIFEST_SUFFIX, BackupName, ObjectName
from supakeep.domain.copy_versions import copies_differ, versions_of
from supakeep.domain.manifest import Manifest, Problem
from supakeep.domain.pin import Pin
from supakeep.domain.prune import PrunedBackup, PrunedStore, PruneReport
from supakeep.domain.prune_hold import prune_hold
from supakeep.domain.retention import apply_retention, is_of_the_future
from supakeep.domain.retention_policy import RetentionPolicy
from supakeep.domain.run import Run, problem_of
from supakeep.domain.untrusted import Untrusted
from supakeep.errors import (
    BackupNotFoundError,
    CopiesDifferError,
    IntegrityError,
    ObjectLockedError,
    StorageError,
)
from supakeep.ports import Clock, Deadline, ObjectStore, StoredObject
from supakeep.usecases.read_pins import read_pins
from supakeep.usecases.stored_manifests import check_sizes, has_manifest, read_manifest

log = logging.getLogger(__name__)

LEFTOVER_AGE = dt.timedelta(days=1)


@dataclass(frozen=True)
class _Decision:
    """What becomes of the objects of one name; leftovers are asked about once more before they go."""

    reason: str
    removed: bool = False
    is_leftover: bool = False


@dataclass(frozen=True)
class _Contents:
    """What one store holds; with a `problem`, it could not be listed."""

    store: ObjectStore
    objects: dict[BackupName, list[StoredObject]]
    manifests: list[Manifest]
    untrusted: dict[BackupName, str]
    pins: dict[BackupName, Pin]
    problem: Problem | None = None

    def without(self, differing: Mapping[BackupName, object]) -> Self:
        """The same, where these backups are not believed."""
        manifests = [m for m in self.manifests if m.name not in differing]
        untrusted = dict.fromkeys(differing.keys() & self.objects.keys(), _DIFFERING)
        return replace(self, manifests=manifests, untrusted={**self.untrusted, **untrusted})


_NOT_REACHED = _Decision(
    "it was to be removed, and the store failed before: the next prune does it"
)
_DIFFERING = "stores hold different backups of this name"
_HELD = "it was to be removed, and waits for a complete backup"
_HAS_MANIFEST = _Decision("its manifest was not found before and is there: not touched")


@dataclass(frozen=True)
class PruneBackups:
    """Applies `policy` to the backups of `project` only; others' in the same store stay. `last_run` is
    the backup run that ended last. `own` are the rules of stores that have their own, by their
    names.
    """

    policy: RetentionPolicy
    project: str
    clock: Clock
    deadline: Deadline
    in_use: frozenset[str] = frozenset()
    last_run: Run | None = None
    own: Mapping[str, RetentionPolicy] = field(default_factory=dict)

    def __call__(self, stores: Sequence[ObjectStore], *, dry_run: bool) -> PruneReport:
        """Each store is judged by its own listing, so that a backup that only one of them holds is
        never removed for another's sake. A store whose listing fails is left alone; one that fails
        later is reported with what was removed before. After a backup that is not complete, nothing
        is removed from any of them. A backup of which they hold different ones stays in all of them,
        and counts in none.
        """
        contents = [self._look_into(store) for store in stores]
        manifests = [manifest for found in contents for manifest in found.manifests]
        held = prune_hold(manifests, self.last_run, self.clock.now())
        differing = _differing(contents)
        contents = [found.without(differing) for found in contents]
        agreed = [manifest for found in contents for manifest in found.manifests]
        return PruneReport(
            project=self.project,
            dry_run=dry_run,
            stores=tuple(
                self._prune(found, dry_run=dry_run, is_held=held is not None) for found in contents
            ),
            newest_good_at=self._newest_good(agreed),
            held=held,
            differing=tuple(map(Untrusted.of, differing.values())),
        )

    def _look_into(self, store: ObjectStore) -> _Contents:
        try:
            objects = self._objects_by_backup(store)
            manifests, untrusted = self._manifests(store, objects)
            keys = (entry.key for stored in objects.values() for entry in stored)
            return _Contents(store, objects, manifests, untrusted, read_pins(store, keys))
        except StorageError as exc:
            log.exception("%s was not pruned", store.name)
            return _Contents(store, {}, [], {}, {}, problem_of(exc))

    def _prune(self, found: _Contents, *, dry_run: bool, is_held: bool) -> PrunedStore:
        rules = self.own.get(found.store.name, self.policy)
        decisions = self._decide(rules, found)
        if is_held:
            decisions = {
                name: _Decision(_HELD) if decision.removed else decision
                for name, decision in decisions.items()
            }
        problem = found.problem
        if not dry_run and problem is None:
            problem = self._carry_out(found.store, decisions, found.objects)
        backups = tuple(_pruned(name, found.objects[name], decisions[name]) for name in decisions)
        return PrunedStore(store=found.store.name, backups=backups, problem=problem)

    def _newest_good(self, manifests: Sequence[Manifest]) -> dt.datetime | None:
        now = self.clock.now()
        good = (m.started_at for m in manifests if m.is_good and not is_of_the_future(m, now))
        return max(good, default=None)

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
        """Each manifest is asked for by its name: that a listing lacks it proves nothing."""
        manifests, untrusted = [], {}
        for name, stored in objects.items():
            self.deadline.check()
            sizes = {entry.key: entry.size_bytes for entry in stored}
            try:
                manifest = read_manifest(store, name)
                check_sizes(manifest, sizes, read_from=store.name)
            except IntegrityError as exc:
                untrusted[name] = exc.message
            except BackupNotFoundError as exc:
                if name.manifest_key in sizes:
                    untrusted[name] = exc.message
            else:
                manifests.append(manifest)
        return manifests, untrusted

    def _decide(self, rules: RetentionPolicy, found: _Contents) -> dict[BackupName, _Decision]:
        now = self.clock.now()
        pins = {name.text: pin for name, pin in found.pins.items()}
        decisions = {
            decision.manifest.name: _Decision(decision.reason, removed=not decision.keep)
            for decision in apply_retention(rules, found.manifests, now, pins)
        }
        for name, stored in found.objects.items():
            if name.text in self.in_use:
                decisions[name] = _Decision("a restore or a verification is reading it")
            elif name in found.untrusted:
                # it may be the only copy, and a person may still save it
                reason = f"kept for a look by hand: {found.untrusted[name]}"
                decisions[name] = _Decision(reason)
            elif name not in decisions:
                decisions[name] = _judge_leftover(stored, found.pins.get(name), now)
        return decisions

    def _carry_out(
        self,
        store: ObjectStore,
        decisions: dict[BackupName, _Decision],
        objects: dict[BackupName, list[StoredObject]],
    ) -> Problem | None:
        """Leftovers go last, and only where their manifest is not found a second time.

        Returns what ended it early, and then leaves in `decisions` what was really removed.
        """
        doomed = [name for name, decision in decisions.items() if decision.removed]
        doomed.sort(key=lambda name: decisions[name].is_leftover)
        for number, name in enumerate(doomed):
            removed: list[str] = []
            try:
                if decisions[name].is_leftover and has_manifest(store, name):
                    decisions[name] = _HAS_MANIFEST
                else:
                    self._remove(store, objects[name], removed)
            except ObjectLockedError as exc:
                log.info("%s stays in %s: %s", name, store.name, exc.message)
                decisions[name] = _locked(exc, removed, objects[name])
            except StorageError as exc:
                log.exception("%s was not pruned to the end", store.name)
                decisions[name] = _interrupted(removed, objects[name])
                decisions.update(dict.fromkeys(doomed[number + 1 :], _NOT_REACHED))
                return problem_of(exc)
        return None

    def _remove(self, store: ObjectStore, stored: list[StoredObject], removed: list[str]) -> None:
        """The manifest goes first: without it the rest is no backup, whatever happens next. The keys
        that are gone are added to `removed`.
        """
        for entry in sorted(stored, key=_is_volume):
            self.deadline.check()
            store.delete(entry.key)
            removed.append(entry.key)
            log.info("%s was removed from %s", entry.key, store.name)


def _differing(contents: Sequence[_Contents]) -> dict[BackupName, CopiesDifferError]:
    """The backups of which the stores hold different ones."""
    held: dict[BackupName, list[tuple[str, Manifest]]] = {}
    for found in contents:
        for manifest in found.manifests:
            held.setdefault(manifest.name, []).append((found.store.name, manifest))
    versions = {name: versions_of(manifests) for name, manifests in held.items()}
    return {name: copies_differ(v) for name, v in versions.items() if len(v) > 1}


def _locked(error: ObjectLockedError, removed: list[str], stored: list[StoredObject]) -> _Decision:
    """What became of a backup of which an object may not be deleted yet."""
    left = f"; {len(stored) - len(removed)} of {len(stored)} objects are left" if removed else ""
    return _Decision(f"{error.message}{left}", removed=bool(removed))


def _interrupted(removed: list[str], stored: list[StoredObject]) -> _Decision:
    """What became of a backup at which the store failed."""
    if not removed:
        return _Decision("it was to be removed, and the store failed: the next prune tries again")
    left = f"{len(stored) - len(removed)} of {len(stored)} objects"
    return _Decision(f"the store failed: {left} are left for the next prune", removed=True)


def _judge_leftover(stored: list[StoredObject], pin: Pin | None, now: dt.datetime) -> _Decision:
    if pin is not None and pin.holds(now):
        return _Decision(f"{pin}, though its manifest is missing")
    youngest = max(entry.modified_at for entry in stored)
    if now - youngest > LEFTOVER_AGE:
        return _Decision("left by a run that did not finish", removed=True, is_leftover=True)
    return _Decision("has no manifest yet: a run may be at work")


def _pruned(name: BackupName, stored: list[StoredObject], decision: _Decision) -> PrunedBackup:
    return PrunedBackup(
        name=name.text,
        removed=decision.removed,
        reason=decision.reason,
        objects=len(stored),
        bytes=sum(entry.size_bytes for entry in stored),
    )


def _is_volume(stored: StoredObject) -> bool:
    return not stored.key.endswith(MANIFEST_SUFFIX)
