"""Prune backups: apply retention to each store, and sweep what crashed runs left."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from supakeep.domain.backup_name import PIN_SUFFIX, BackupName
from supakeep.domain.manifest import Manifest
from supakeep.domain.manifest_parts import Problem
from supakeep.domain.pin import Pin
from supakeep.domain.proof import Proofs
from supakeep.domain.prune import PrunedBackup, PrunedStore, PruneReport
from supakeep.domain.prune_hold import prune_hold
from supakeep.domain.retention import apply_retention, is_of_the_future, knows_newest_proven
from supakeep.domain.retention_policy import RetentionPolicy
from supakeep.domain.run import Run, problem_of
from supakeep.domain.untrusted import Untrusted
from supakeep.errors import ObjectLockedError, StorageError
from supakeep.ports import Clock, Deadline, ObjectStore, StoredObject
from supakeep.usecases.read_proofs import read_proofs
from supakeep.usecases.remove_backups import Removal, remove_backups
from supakeep.usecases.store_contents import (
    StoreContents,
    differing_backups,
    look_into,
    objects_by_backup,
)
from supakeep.usecases.stored_manifests import has_manifest
from supakeep.usecases.stray_volumes import StrayVolumes
from supakeep.usecases.sweep_files import SweepFiles

log = logging.getLogger(__name__)

LEFTOVER_AGE = dt.timedelta(days=1)


@dataclass(frozen=True)
class _Decision:
    """What becomes of the objects of one name; leftovers are asked about once more before they go."""

    reason: str
    removed: bool = False
    is_leftover: bool = False


_NOT_REACHED = _Decision(
    "it was to be removed, and the store failed before: the next prune does it"
)
_HELD = "it was to be removed, and waits for a complete backup"
_PINNED_MEANWHILE = _Decision("it was pinned meanwhile: not touched")
_HAS_MANIFEST = _Decision("its manifest was not found before and is there: not touched")


@dataclass(frozen=True)
class PruneBackups:
    """Applies `policy` to the backups of `project` only; others' in the same store stay. `last_run` is
    the backup run that ended last. `own` are the rules of stores that have their own, by their
    names. `is_backing_up` asks whether a backup is at work.
    """

    policy: RetentionPolicy
    project: str
    clock: Clock
    deadline: Deadline
    in_use: frozenset[str] = frozenset()
    last_run: Run | None = None
    own: Mapping[str, RetentionPolicy] = field(default_factory=dict)
    is_backing_up: Callable[[], bool] = lambda: False

    def __call__(
        self,
        stores: Sequence[ObjectStore],
        *,
        dry_run: bool,
        beside: Sequence[ObjectStore] = (),
    ) -> PruneReport:
        """Each store is judged by its own listing, so that a backup that only one of them holds is
        never removed for another's sake. A store whose listing fails is left alone; one that fails
        later is reported with what was removed before. After a backup that is not complete, nothing
        is removed from any of them. A backup of which they, or the stores `beside`, hold different ones
        stays in all of them, and counts in none.
        """
        contents = [look_into(store, self.project, self.deadline) for store in stores]
        manifests = [manifest for found in contents for manifest in found.manifests]
        held = prune_hold(manifests, self.last_run, self.clock.now())
        others = [look_into(store, self.project, self.deadline) for store in beside]
        differing = differing_backups([*contents, *others])
        contents = [found.without(differing) for found in contents]
        agreed = [manifest for found in contents for manifest in found.manifests]
        proofs = self._proofs(contents, [*stores, *beside])
        others = [found.without(differing) for found in others]
        report = PruneReport(
            project=self.project,
            dry_run=dry_run,
            stores=tuple(
                self._prune(found, proofs, dry_run=dry_run, is_held=held is not None)
                for found in contents
            ),
            newest_good_at=self._newest_good(agreed),
            held=held,
            differing=tuple(map(Untrusted.of, differing.values())),
            unread_ledgers=dict(proofs.problems),
        )
        return report if held else self._sweep(report, contents, others)

    def _sweep(
        self,
        report: PruneReport,
        contents: Sequence[StoreContents],
        others: Sequence[StoreContents],
    ) -> PruneReport:
        """Then the files that no backup names any more, and none did that was removed just now."""
        sweep = SweepFiles(self.project, self.clock, self.deadline, self.is_backing_up)
        removed = {
            store.store: frozenset(BackupName(b.name) for b in store.backups if b.removed)
            for store in report.stores
        }
        return report.with_files(sweep(contents, others, removed, dry_run=report.dry_run))

    def _proofs(self, contents: Sequence[StoreContents], stores: Sequence[ObjectStore]) -> Proofs:
        """What drills have proven, as far as it decides on any store's newest proven backup."""
        now = self.clock.now()
        manifests = [m for found in contents for m in found.manifests]

        def suffices(proofs: Proofs) -> bool:
            self.deadline.check()
            return all(knows_newest_proven(found.manifests, proofs, now) for found in contents)

        return read_proofs(stores, manifests, self.project, now, suffices)

    def _prune(
        self, found: StoreContents, proofs: Proofs, *, dry_run: bool, is_held: bool
    ) -> PrunedStore:
        rules = self.own.get(found.store.name, self.policy)
        decisions = self._decide(rules, found, proofs)
        if is_held:
            decisions = {
                name: _Decision(_HELD) if decision.removed else decision
                for name, decision in decisions.items()
            }
        problem = found.problem
        if not dry_run and problem is None:
            problem = self._carry_out(found, decisions)
        if not is_held and problem is None:
            problem = self._remove_strays(found, decisions, dry_run=dry_run)
        backups = tuple(_pruned(name, found.objects[name], decisions[name]) for name in decisions)
        return PrunedStore(store=found.store.name, backups=backups, problem=problem)

    def _remove_strays(
        self, found: StoreContents, decisions: dict[BackupName, _Decision], *, dry_run: bool
    ) -> Problem | None:
        """What lies beside backups that are kept. Notes it in `decisions`, and returns what went wrong."""
        kept = {n for n, d in decisions.items() if not d.removed and n.text not in self.in_use}
        strays = StrayVolumes(self.clock.now() - LEFTOVER_AGE, self.deadline, dry_run=dry_run)
        removed, left = strays(found, kept)
        for name, what in removed.items():
            decisions[name] = replace(decisions[name], reason=f"{decisions[name].reason}; {what}")
        return _first_failure(left.values())

    def _newest_good(self, manifests: Sequence[Manifest]) -> dt.datetime | None:
        now = self.clock.now()
        good = (m.started_at for m in manifests if m.is_good and not is_of_the_future(m, now))
        return max(good, default=None)

    def _decide(
        self, rules: RetentionPolicy, found: StoreContents, proofs: Proofs
    ) -> dict[BackupName, _Decision]:
        now = self.clock.now()
        pins = {name.text: pin for name, pin in found.pins.items()}
        decisions = {
            decision.manifest.name: _Decision(decision.reason, removed=not decision.keep)
            for decision in apply_retention(rules, found.manifests, now, pins, proofs)
        }
        for name, stored in found.objects.items():
            if name.text in self.in_use:
                decisions[name] = _Decision("a restore, a verification or a copy is reading it")
            elif name in found.untrusted:
                # it may be the only copy, and a person may still save it
                reason = f"kept for a look by hand: {found.untrusted[name]}"
                decisions[name] = _Decision(reason)
            elif name not in decisions:
                decisions[name] = _judge_leftover(stored, found.pins.get(name), now)
        return decisions

    def _carry_out(
        self, found: StoreContents, decisions: dict[BackupName, _Decision]
    ) -> Problem | None:
        """Leftovers go last. Returns what ended it early, and then leaves in `decisions` what was really
        removed.
        """
        doomed = [name for name, decision in decisions.items() if decision.removed]
        leftovers = [name for name in doomed if decisions[name].is_leftover]
        backups = [name for name in doomed if not decisions[name].is_leftover]
        problem = self._remove(found, backups, _pinned_meanwhile, decisions)
        if problem is None:
            return self._remove(found, leftovers, _with_manifest, decisions)
        decisions.update(dict.fromkeys(leftovers, _NOT_REACHED))
        return problem

    def _remove(
        self,
        found: StoreContents,
        names: Sequence[BackupName],
        spared: Callable[[StoreContents, Sequence[BackupName]], Mapping[BackupName, _Decision]],
        decisions: dict[BackupName, _Decision],
    ) -> Problem | None:
        """What is `spared` after a second look is decided anew. The others go, and `decisions` says what
        became of them.
        """
        try:
            decisions.update(spared(found, names))
        except StorageError as exc:
            log.exception("%s was not pruned", found.store.name)
            decisions.update(dict.fromkeys(names, _NOT_REACHED))
            return problem_of(exc)
        doomed = {name: found.objects[name] for name in names if decisions[name].removed}
        removals = dict(remove_backups(found.store, doomed, self.deadline))
        for name in doomed:
            removal = removals.get(name)
            decisions[name] = _NOT_REACHED if removal is None else _after(removal, decisions[name])
        return _first_failure(r.error for r in removals.values() if r.error)


def _first_failure(errors: Iterable[StorageError]) -> Problem | None:
    """A lock is none: it ends by itself."""
    failures = (error for error in errors if not isinstance(error, ObjectLockedError))
    return next(map(problem_of, failures), None)


def _pinned_meanwhile(
    found: StoreContents, names: Sequence[BackupName]
) -> dict[BackupName, _Decision]:
    """The backups that got a pin since they were listed. Raises StorageError."""
    if not names:
        return {}
    listed = objects_by_backup(found.store, names[0].project_ref)
    known = {stored.key for objects in found.objects.values() for stored in objects}
    return {
        name: _PINNED_MEANWHILE
        for name in names
        if any(_is_pin(s) and s.key not in known for s in listed.get(name, ()))
    }


def _with_manifest(
    found: StoreContents, names: Sequence[BackupName]
) -> dict[BackupName, _Decision]:
    """The leftovers that have a manifest after all. Raises StorageError."""
    return {name: _HAS_MANIFEST for name in names if has_manifest(found.store, name)}


def _after(removal: Removal, decision: _Decision) -> _Decision:
    """What became of a backup that was to be removed."""
    if removal.error is None:
        return decision
    left = f"{len(removal.left)} of {len(removal.left) + len(removal.removed)} objects are left"
    if removal.is_locked:
        log.info("%s", removal.error.message)
        more = f"; {left}" if removal.removed else ""
        return _Decision(f"{removal.error.message}{more}", removed=bool(removal.removed))
    log.error("A backup was not removed to the end", exc_info=removal.error)
    if not removal.removed:
        return _Decision("it was to be removed, and the store failed: the next prune tries again")
    return _Decision(f"the store failed: {left} for the next prune", removed=True)


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


def _is_pin(stored: StoredObject) -> bool:
    return stored.key.endswith(PIN_SUFFIX)
