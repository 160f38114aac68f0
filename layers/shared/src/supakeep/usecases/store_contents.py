"""What a store holds of a project's backups, as a prune looks at it."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Self

from supakeep.domain.backup_name import FOLDER, BackupName, ObjectName
from supakeep.domain.copy_versions import copies_differ, versions_of
from supakeep.domain.manifest import Manifest
from supakeep.domain.manifest_parts import Problem
from supakeep.domain.pin import Pin
from supakeep.domain.run import problem_of
from supakeep.errors import (
    BackupNotFoundError,
    CopiesDifferError,
    IntegrityError,
    StorageError,
)
from supakeep.ports import Deadline, ObjectStore, StoredObject
from supakeep.usecases.in_parallel import in_parallel
from supakeep.usecases.read_pins import read_pins
from supakeep.usecases.shared_parts import SharedParts
from supakeep.usecases.stored_manifests import manifest_or_error

log = logging.getLogger(__name__)

_DIFFERING = "stores hold different backups of this name"


@dataclass(frozen=True)
class StoreContents:
    """The objects by the names of the backups, the manifests that are believed, and why others are not;
    with a `problem`, the store could not be listed.
    """

    store: ObjectStore
    objects: dict[BackupName, list[StoredObject]] = field(default_factory=dict)
    manifests: list[Manifest] = field(default_factory=list)
    untrusted: dict[BackupName, str] = field(default_factory=dict)
    pins: dict[BackupName, Pin] = field(default_factory=dict)
    problem: Problem | None = None

    def without(self, differing: Mapping[BackupName, object]) -> Self:
        """The same, where these backups are not believed."""
        manifests = [m for m in self.manifests if m.name not in differing]
        untrusted = dict.fromkeys(differing.keys() & self.objects.keys(), _DIFFERING)
        return replace(self, manifests=manifests, untrusted={**self.untrusted, **untrusted})


def look_into(store: ObjectStore, project: str, deadline: Deadline) -> StoreContents:
    """What is there; what keeps it from being listed is its problem."""
    try:
        objects = objects_by_backup(store, project)
        manifests, untrusted = _manifests(store, objects, deadline)
        keys = (entry.key for stored in objects.values() for entry in stored)
        return StoreContents(store, objects, manifests, untrusted, read_pins(store, keys))
    except StorageError as exc:
        log.exception("%s was not pruned", store.name)
        return StoreContents(store, problem=problem_of(exc))


def objects_by_backup(store: ObjectStore, project: str) -> dict[BackupName, list[StoredObject]]:
    """The objects of this project's backups. Raises StorageError."""
    objects: dict[BackupName, list[StoredObject]] = {}
    for stored in store.list(f"{FOLDER}/backup_{project}_"):
        parsed = ObjectName.parse(stored.key)
        if parsed is not None and parsed.backup.project_ref == project:
            objects.setdefault(parsed.backup, []).append(stored)
    return objects


def differing_backups(contents: Sequence[StoreContents]) -> dict[BackupName, CopiesDifferError]:
    """The backups of which the stores hold different ones."""
    held: dict[BackupName, list[tuple[str, Manifest]]] = {}
    for found in contents:
        for manifest in found.manifests:
            held.setdefault(manifest.name, []).append((found.store.name, manifest))
    versions = {name: versions_of(manifests) for name, manifests in held.items()}
    return {name: copies_differ(v) for name, v in versions.items() if len(v) > 1}


def _manifests(
    store: ObjectStore, objects: dict[BackupName, list[StoredObject]], deadline: Deadline
) -> tuple[list[Manifest], dict[BackupName, str]]:
    """Each manifest is asked for by its name: that a listing lacks it proves nothing."""

    def read(name: BackupName) -> Manifest | IntegrityError | BackupNotFoundError:
        deadline.check()
        return manifest_or_error(store, name, {s.key: s.size_bytes for s in objects[name]})

    manifests, untrusted, shared = [], {}, SharedParts()
    for name, found in zip(objects, in_parallel(read, objects), strict=True):
        is_listed = any(stored.key == name.manifest_key for stored in objects[name])
        if isinstance(found, Manifest):
            manifests.append(shared.of(found))
        elif is_listed or isinstance(found, IntegrityError):
            untrusted[name] = found.message
    return manifests, untrusted
