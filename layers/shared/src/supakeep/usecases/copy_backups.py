"""Copy backups: one, or all that the retention of a store keeps."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from supakeep.domain.backup_name import BackupName
from supakeep.domain.copy_report import CopiedBackup, CopiedStore, CopyReport
from supakeep.domain.pin import joined
from supakeep.domain.policy import BackupPolicy
from supakeep.domain.proof import Proofs
from supakeep.domain.retention import apply_retention
from supakeep.domain.run import problem_of
from supakeep.errors import (
    BackupNotFoundError,
    IntegrityError,
    InvalidRequestError,
    LeaseHeldError,
    StorageError,
)
from supakeep.ports import ObjectStore
from supakeep.usecases.copy_backup import CopyBackup
from supakeep.usecases.list_backups import BackupListing, list_backups
from supakeep.usecases.read_proofs import read_proofs


def require_copies(stores: Sequence[ObjectStore]) -> None:
    """Raises InvalidRequestError where there is only one store."""
    if len(stores) == 1:
        raise InvalidRequestError(
            "There is no copy to copy to or from",
            operation="copy",
            hint="Set MIRROR_S3_BUCKET, or add a [[copy]] to supakeep.toml (docs/copies.md).",
        )


@dataclass(frozen=True)
class CopyBackups:
    """Copies the backups of `project` to stores of it."""

    copy: CopyBackup
    policy: BackupPolicy
    project: str
    # called before each backup; what it raises of another run keeps this backup from being copied
    begin: Callable[[BackupName], None] = lambda name: None  # noqa: ARG005

    def one(self, name: BackupName, targets: Sequence[ObjectStore], *, dry_run: bool) -> CopyReport:
        """Raises as CopyBackup does, and what `begin` raises."""
        self.begin(name)
        return CopyReport(dry_run=dry_run, backups=(self.copy(name, targets, dry_run=dry_run),))

    def all(self, targets: Sequence[ObjectStore], now: dt.datetime, *, dry_run: bool) -> CopyReport:
        """Leaves out of a store what its next prune would remove."""
        listing = list_backups(self.copy.stores, self.project)
        manifests = [found.manifest for found in listing.backups if found.manifest]
        proofs = read_proofs(self.copy.stores, manifests, self.project, now)
        too_old = {store.name: self._too_old(store, listing, proofs, now) for store in targets}
        backups = [
            self._copied(found.name, targets, too_old, dry_run=dry_run) for found in listing.backups
        ]
        return CopyReport(dry_run=dry_run, backups=tuple(backups), unlisted=listing.problems)

    def _too_old(
        self, store: ObjectStore, listing: BackupListing, proofs: Proofs, now: dt.datetime
    ) -> dict[str, str]:
        """The backups that the store's retention would remove, with the reason."""
        rules = self.policy.own_retention.get(store.name, self.policy.retention)
        manifests = [found.manifest for found in listing.backups if found.manifest]
        # a pin elsewhere is copied too
        pins = {b.name.text: pin for b in listing.backups if (pin := joined(b.pins)) is not None}
        return {
            decision.manifest.backup: decision.reason
            for decision in apply_retention(rules, manifests, now, pins, proofs)
            if not decision.keep
        }

    def _copied(
        self,
        name: BackupName,
        targets: Sequence[ObjectStore],
        too_old: Mapping[str, Mapping[str, str]],
        *,
        dry_run: bool,
    ) -> CopiedBackup:
        wanted = [store for store in targets if name.text not in too_old[store.name]]
        kept_out = [
            CopiedStore(store=store.name, kept_out=too_old[store.name][name.text])
            for store in targets
            if store not in wanted
        ]
        copied = self._copied_to(name, wanted, dry_run=dry_run) if wanted else ()
        return CopiedBackup(backup=name.text, stores=(*copied, *kept_out))

    def _copied_to(
        self, name: BackupName, targets: Sequence[ObjectStore], *, dry_run: bool
    ) -> Sequence[CopiedStore]:
        def failed(error: Exception) -> list[CopiedStore]:
            return [CopiedStore(store=s.name, problem=problem_of(error)) for s in targets]

        try:
            self.begin(name)
        except LeaseHeldError as exc:
            return failed(exc)
        try:
            return self.copy(name, targets, dry_run=dry_run).stores
        except (StorageError, IntegrityError, BackupNotFoundError) as exc:
            return failed(exc)
