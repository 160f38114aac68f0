"""Erase rows from every backup that is kept: each is written anew without them, under its own name."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from supakeep.archive.encryption import Identities
from supakeep.archive.erased_volumes import (
    ErasedVolumes,
    bring_volumes,
    replace_manifest,
    volumes_beside,
)
from supakeep.archive.manifest import require_known_format
from supakeep.archive.reader import BackupReader
from supakeep.archive.signature import Keyring
from supakeep.domain.backup_name import FOLDER, BackupName
from supakeep.domain.copy_versions import copies_differ, versions_of
from supakeep.domain.erasure import ErasedBackup, ErasedStore, EraseReport, Erasure, ErasureState
from supakeep.domain.manifest import Manifest
from supakeep.domain.manifest_parts import Problem
from supakeep.domain.nearest_name import nearest_name
from supakeep.domain.run import problem_of
from supakeep.errors import (
    ChecksumError,
    DecryptionError,
    IntegrityError,
    InvalidRequestError,
    StorageError,
    UnsafeOperationError,
)
from supakeep.ports import Clock, Deadline, Lease, ObjectStore, Progress
from supakeep.system import NoLease
from supakeep.usecases.held_backup import HeldBackup, held_backup
from supakeep.usecases.leased_store import LeasedObjectStore
from supakeep.usecases.list_backups import list_backups
from supakeep.usecases.rewrite_backup import RewriteBackup
from supakeep.usecases.store_contents import objects_by_backup
from supakeep.usecases.stored_manifests import check_sizes, manifests_of

log = logging.getLogger(__name__)

# what keeps one backup, or one store, from being erased from, and no other
_FAILURES = (
    StorageError,
    IntegrityError,
    DecryptionError,
    InvalidRequestError,
    UnsafeOperationError,
)


@dataclass(frozen=True)
class EraseRows:
    """Erases from the backups of `project`. `in_use` are the backups that other runs read now; `is_backing_up` asks
    whether another backup is being made; `keyring` signs the manifests. Whoever calls it keeps prunes away, by `lease`.
    """

    project: str
    keyring: Keyring | None
    identities: Callable[[], Identities]
    max_object_bytes: int
    clock: Clock
    deadline: Deadline
    progress: Progress
    in_use: Callable[[], frozenset[str]] = frozenset
    is_backing_up: Callable[[], bool] = lambda: False
    lease: Lease = field(default_factory=NoLease)

    def __call__(
        self, erasure: Erasure, stores: Sequence[ObjectStore], *, dry_run: bool
    ) -> EraseReport:
        """What fails in one backup or one store is its problem, and the others go on.

        Raises InvalidRequestError where no backup has the table, and the first store's error where none can be
        listed.
        """
        listing = list_backups(stores, self.project)
        versions = [v.manifest for found in listing.backups for v in found.versions]
        _require_known(erasure, versions)
        answering = [store for store in stores if store.name not in listing.problems]
        backups = []
        for found in listing.backups:
            self.deadline.check()
            self.progress.phase(f"looking through {found.name}")
            erased = self._backup(found.name, erasure, answering, dry_run=dry_run)
            if erased is not None:
                backups.append(erased)
        known = {found.name for found in listing.backups}
        return EraseReport(
            project=self.project,
            dry_run=dry_run,
            meanwhile=None if dry_run else self._meanwhile(known, answering),
            table=erasure.table,
            columns=tuple(erasure.where),
            looked_through=len(listing.backups),
            backups=tuple(backups),
            unlisted=listing.problems,
        )

    def _meanwhile(self, known: set[BackupName], stores: Sequence[ObjectStore]) -> Problem | None:
        """What began before the rows were gone from the database holds them, too."""
        made = {name for store in stores for name in _named_in(store, self.project)} - known
        if not made and not self.is_backing_up():
            return None
        what = ", ".join(sorted(name.text for name in made)) or "A backup"
        return Problem(
            message=f"{what} was made meanwhile, and was not looked through",
            hint="Erase again when it is done.",
        )

    def _backup(
        self, name: BackupName, erasure: Erasure, stores: Sequence[ObjectStore], *, dry_run: bool
    ) -> ErasedBackup | None:
        """None where no row matches, and nothing is left of an erasure that was interrupted."""
        found = manifests_of(stores, name)
        held = held_backup(name, found, stores)
        rows = 0
        try:
            if not held.manifests:
                if not held.failures:
                    return None  # it was pruned meanwhile
                raise next(iter(held.failures.values()))
            self._require_changeable(held)
            source, target = self._versions(held, erasure)
            rewrite = self._rewrite(source, held, erasure)
            rows = rewrite.matching()
            beside = self._beside(held, target or source)
            if not (rows or target or beside or held.failures):
                return None
            if dry_run:
                return _report(held, rows, ErasureState.MATCHING)
            if target is None and rows:
                target = self._write(rewrite, held)
            self._settle(held, target or source)
        except _FAILURES as exc:
            log.warning("Rows could not be erased from %s", name, exc_info=True)
            return ErasedBackup(backup=name.text, rows=rows, problem=problem_of(exc))
        return self._swept(held, target or source, rows)

    def _require_changeable(self, held: HeldBackup) -> None:
        if held.name.text in self.in_use():
            raise UnsafeOperationError(
                f"A run is reading {held.name}",
                operation="erase",
                key=held.name.text,
                hint="Erase again when it has ended (`supakeep runs`).",
            )
        for manifest in held.manifests.values():
            require_known_format(manifest)
        if self.keyring is None and any(m.signature for m in held.manifests.values()):
            raise UnsafeOperationError(
                f"{held.name} is signed, and without SIGNING_KEY it would be no more",
                operation="erase",
                key=held.name.text,
                hint="Set SIGNING_KEY, and erase again.",
            )

    def _versions(self, held: HeldBackup, erasure: Erasure) -> tuple[Manifest, Manifest | None]:
        """The version to look through, and the one to which an interrupted erasure was leading; None without one.

        Raises CopiesDifferError where copies differ in another way: who forges a manifest must not get it into
        the other stores.
        """
        versions = versions_of(held.manifests.items())
        if len(versions) == 1:
            return versions[0].manifest, None
        older, newer = sorted((v.manifest for v in versions[:2]), key=lambda m: len(m.erased))
        is_next = newer.erased[:-1] == older.erased and len(newer.erased) > len(older.erased)
        is_pair = len(versions) == 2
        if is_pair and is_next and self._rewrite(older, held, erasure).leads_to(newer):
            return older, newer
        raise copies_differ(versions)

    def _rewrite(self, manifest: Manifest, held: HeldBackup, erasure: Erasure) -> RewriteBackup:
        reader = BackupReader(manifest, held.holding(manifest))
        reader.decoder.unlock(self.identities)
        reader.decoder.require_identity()
        return RewriteBackup(reader, erasure, self.deadline)

    def _leased(self, store: ObjectStore) -> ObjectStore:
        return LeasedObjectStore(store, self.lease)

    def _beside(self, held: HeldBackup, manifest: Manifest) -> list[str]:
        """What lies beside the backup and is none of its own, such as the volumes of an interrupted erasure."""
        keys = (volumes_beside(store, manifest) for store in held.holding(manifest))
        return [key for found in keys for key in found]

    def _write(self, rewrite: RewriteBackup, held: HeldBackup) -> Manifest:
        self.progress.phase(f"erasing from {held.name}")
        leased = [self._leased(store) for store in held.working]
        with ErasedVolumes(leased, self.deadline) as volumes:
            made = rewrite(volumes, held.working, self.max_object_bytes)
        held.failures.update(volumes.failures)
        return made(self.clock.now())

    def _settle(self, held: HeldBackup, target: Manifest) -> None:
        """From the first manifest on, the rows are gone from one store, and the next run goes on with the others."""
        right = held.holding(target)
        for store in held.working:
            if store in right:
                continue
            leased = self._leased(store)
            try:
                if right:
                    bring_volumes(target, right[0], leased, self.deadline)
                replace_manifest(leased, target, self.keyring)
                _require_volumes(store, target)
            except _FAILURES as exc:
                log.warning("%s keeps the rows of %s", store.name, held.name, exc_info=True)
                held.failures[store.name] = exc

    def _swept(self, held: HeldBackup, manifest: Manifest, rows: int) -> ErasedBackup:
        """Removes the former volumes, and says which are still there, and why."""
        stores = []
        for store in held.working:
            try:
                keys = volumes_beside(store, manifest)
                left = self._leased(store).erase_all(keys) if keys else {}
            except StorageError as exc:
                held.failures[store.name] = exc
                continue
            problem = next(map(problem_of, left.values()), None)
            state = ErasureState.NOT_ERASED if left else ErasureState.ERASED
            stores.append(
                ErasedStore(store=store.name, state=state, left=tuple(left), problem=problem)
            )
        return ErasedBackup(backup=held.name.text, rows=rows, stores=(*stores, *_not_erased(held)))


def _require_volumes(store: ObjectStore, manifest: Manifest) -> None:
    """A prune may have taken over while the manifest was on its way, and removed all that it names. Then it must not
    stay, whoever has the lease, and pass for a backup. Raises ChecksumError.
    """
    listed = {s.key: s.size_bytes for s in store.list(f"{FOLDER}/{manifest.name}")}
    try:
        check_sizes(manifest, listed, read_from=store.name)
    except ChecksumError:
        store.delete(manifest.name.manifest_key)
        raise


def _named_in(store: ObjectStore, project: str) -> set[BackupName]:
    """The backups that have a manifest there."""
    try:
        found = objects_by_backup(store, project)
    except StorageError:
        log.warning("%s could not be listed again", store.name, exc_info=True)
        return set()
    return {name for name in found if any(s.key == name.manifest_key for s in found[name])}


def _report(held: HeldBackup, rows: int, state: ErasureState) -> ErasedBackup:
    stores = [ErasedStore(store=store.name, state=state) for store in held.working]
    return ErasedBackup(backup=held.name.text, rows=rows, stores=(*stores, *_not_erased(held)))


def _not_erased(held: HeldBackup) -> list[ErasedStore]:
    return [
        ErasedStore(store=store, state=ErasureState.NOT_ERASED, problem=problem_of(error))
        for store, error in held.failures.items()
    ]


def _require_known(erasure: Erasure, manifests: Sequence[Manifest]) -> None:
    known = sorted({entry.name for manifest in manifests for entry in manifest.tables})
    if known and erasure.table not in known:
        raise InvalidRequestError(
            f"No backup has a table {erasure.table}",
            operation="erase",
            key=erasure.table,
            hint=f"{nearest_name(erasure.table, known)}They have: {', '.join(known)}.",
        )
