"""Volumes beside a backup that its manifest does not name: an erasure ended before it removed them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from supakeep.archive.erased_volumes import beside
from supakeep.archive.manifest import require_known_format
from supakeep.domain.backup_name import BackupName
from supakeep.domain.manifest import Manifest
from supakeep.errors import FormatVersionError, StorageError
from supakeep.ports import Deadline, StoredObject
from supakeep.usecases.store_contents import StoreContents


@dataclass(frozen=True)
class StrayVolumes:
    """Removes those that were stored before `until`: younger ones may belong to a run at work."""

    until: dt.datetime
    deadline: Deadline
    dry_run: bool

    def __call__(
        self, found: StoreContents, names: Collection[BackupName]
    ) -> tuple[dict[BackupName, str], dict[str, StorageError]]:
        """For each of the named backups that has such volumes, what becomes of them; and what kept
        the store from removing some, by their keys.
        """
        strays = {
            manifest.name: keys
            for manifest in found.manifests
            if manifest.name in names
            and _names_all(manifest)
            and (keys := self._beside(manifest, found.objects[manifest.name]))
        }
        left = self._remove(found, [key for keys in strays.values() for key in keys])
        return {name: _what(keys, left) for name, keys in strays.items()}, left

    def _beside(self, manifest: Manifest, stored: Sequence[StoredObject]) -> list[str]:
        return beside(manifest, (s for s in stored if s.modified_at < self.until))

    def _remove(self, found: StoreContents, keys: Sequence[str]) -> dict[str, StorageError]:
        if self.dry_run or not keys:
            return {}
        self.deadline.check()
        return found.store.delete_all(keys)


def _names_all(manifest: Manifest) -> bool:
    """A later format may name volumes in a way that this version does not know."""
    try:
        require_known_format(manifest)
    except FormatVersionError:
        return False
    return True


def _what(keys: Sequence[str], left: Mapping[str, StorageError]) -> str:
    stay = sum(key in left for key in keys)
    volumes = (
        f"{len(keys)} volume{'s' * (len(keys) != 1)} beside it that its manifest does not name"
    )
    return f"{stay} of {volumes} could not be removed" if stay else f"not kept: {volumes}"
