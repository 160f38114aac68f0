"""One backup in the stores that hold it, while it is changed there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from supakeep.domain.backup_name import BackupName
from supakeep.domain.copy_versions import is_same_backup
from supakeep.domain.manifest import Manifest
from supakeep.errors import BackupNotFoundError
from supakeep.ports import ObjectStore
from supakeep.usecases.stored_manifests import NotRead


@dataclass
class HeldBackup:
    """One backup: the stores that hold it, by their names, what their manifests say, and what became of each."""

    name: BackupName
    manifests: dict[str, Manifest]
    stores: dict[str, ObjectStore]
    failures: dict[str, BaseException] = field(default_factory=dict)

    @property
    def working(self) -> list[ObjectStore]:
        return [store for name, store in self.stores.items() if name not in self.failures]

    def holding(self, manifest: Manifest) -> list[ObjectStore]:
        """The stores of this version."""
        return [s for s in self.working if is_same_backup(self.manifests[s.name], manifest)]


def held_backup(
    name: BackupName, found: dict[str, Manifest | NotRead], stores: Sequence[ObjectStore]
) -> HeldBackup:
    """From what was found in the stores under this name."""
    manifests = {store: m for store, m in found.items() if isinstance(m, Manifest)}
    failures: dict[str, BaseException] = {
        store: error
        for store, error in found.items()
        if not isinstance(error, Manifest | BackupNotFoundError)
    }
    holders = {s.name: s for s in stores if s.name in manifests or s.name in failures}
    return HeldBackup(name, manifests, holders, failures)
