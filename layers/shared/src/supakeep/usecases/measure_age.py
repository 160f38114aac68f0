"""Measure how old the newest good backup is, for the alarm that waits for it."""

from __future__ import annotations

import datetime as dt
import heapq
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from supakeep.domain.backup_name import BackupName
from supakeep.domain.copy_versions import is_same_backup
from supakeep.domain.manifest import Manifest
from supakeep.errors import StorageError
from supakeep.ports import ObjectStore
from supakeep.usecases.newest_good import newest_first
from supakeep.usecases.stored_manifests import manifests_of

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Measurement:
    """When the newest good backup began, None where there is none. `differing` backups were passed
    over, since stores hold different ones of their names.
    """

    newest_good_at: dt.datetime | None
    differing: int = 0


def measure_age(stores: Sequence[ObjectStore], project: str, now: dt.datetime) -> Measurement:
    """Looks for the newest good backup of the project, in whichever store. Raises StorageError where
    no store answers.
    """
    failures: list[StorageError] = []
    good = [_good(store, project, now, failures) for store in stores]
    differing: set[BackupName] = set()
    for manifest in heapq.merge(*good, key=lambda m: m.started_at, reverse=True):
        if _is_same_everywhere(manifest, stores):
            return Measurement(manifest.started_at, len(differing))
        differing.add(manifest.name)
    if failures and len(failures) == len(stores):
        raise failures[0]
    return Measurement(None, len(differing))


def _good(
    store: ObjectStore, project: str, now: dt.datetime, failures: list[StorageError]
) -> Iterator[Manifest]:
    """Newest first."""
    try:
        yield from (m for m in newest_first(store, project, now=now) if m.is_good)
    except StorageError as exc:
        log.warning("%s could not be asked for the newest good backup", store.name, exc_info=True)
        failures.append(exc)


def _is_same_everywhere(manifest: Manifest, stores: Sequence[ObjectStore]) -> bool:
    """Whether no store has a different backup of this name."""
    held = manifests_of(stores, manifest.name).values()
    return all(is_same_backup(m, manifest) for m in held if isinstance(m, Manifest))
