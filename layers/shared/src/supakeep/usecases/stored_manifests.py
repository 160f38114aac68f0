"""The manifests that stores hold: of one backup, or of all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

from supakeep.archive.damage import damaged
from supakeep.archive.manifest import manifest_content, parse_manifest
from supakeep.domain.backup_name import FOLDER, BackupName, ObjectName
from supakeep.domain.copy_versions import CopyVersion, copies_differ, versions_of
from supakeep.domain.manifest import Manifest
from supakeep.errors import (
    BackupNotFoundError,
    IntegrityError,
    ObjectNotFoundError,
    StorageError,
)
from supakeep.ports import ObjectStore
from supakeep.usecases.in_parallel import in_parallel
from supakeep.usecases.shared_parts import SharedParts

NotRead = StorageError | IntegrityError | BackupNotFoundError
"""Why a store gives no manifest that can be trusted."""


def read_manifest(store: ObjectStore, name: BackupName) -> Manifest:
    """Raises BackupNotFoundError, or an IntegrityError where the manifest cannot be trusted."""
    try:
        with store.read(name.manifest_key) as pieces:
            content = manifest_content(pieces)
    except ObjectNotFoundError as exc:
        raise no_such_backup(name.text) from exc
    return parse_manifest(content, name.manifest_key)


def has_manifest(store: ObjectStore, name: BackupName) -> bool:
    """Whether there is one under this name, in order or not. Raises StorageError."""
    try:
        with store.read(name.manifest_key):
            return True
    except ObjectNotFoundError:
        return False


def manifests_of(stores: Sequence[ObjectStore], name: BackupName) -> dict[str, Manifest | NotRead]:
    """By each store's name its manifest of this backup, or why there is none that can be trusted."""
    with ThreadPoolExecutor(max(1, len(stores))) as pool:
        reading = {
            store.name: pool.submit(copy_context().run, _manifest_or_failure, store, name)
            for store in stores
        }
        return {store: future.result() for store, future in reading.items()}


def agreed_version(found: Mapping[str, Manifest | NotRead]) -> CopyVersion:
    """The one manifest among those of a backup, the first store's.

    Raises CopiesDifferError where there are different ones, and the first store's error where none can
    be trusted.
    """
    versions = versions_of((s, m) for s, m in found.items() if isinstance(m, Manifest))
    if len(versions) > 1:
        raise copies_differ(versions)
    if versions:
        return versions[0]
    errors = [error for error in found.values() if not isinstance(error, Manifest)]
    # damage or a dead store says more than that the name is unknown elsewhere
    raise min(errors, key=lambda error: isinstance(error, BackupNotFoundError))


def sizes_in(store: ObjectStore, project: str | None) -> dict[str, int]:
    """The objects of a project's backups (of every project's where None), by their keys in order."""
    prefix = f"{FOLDER}/backup_{project}_" if project else f"{FOLDER}/"
    return {stored.key: stored.size_bytes for stored in store.list(prefix)}


def read_manifests(
    store: ObjectStore, sizes: Mapping[str, int]
) -> list[tuple[BackupName, Manifest | IntegrityError]]:
    """The manifest of every backup of a listing, or why it cannot be trusted. One that was pruned after it
    was listed is left out.
    """
    names = [
        parsed.backup
        for key in sizes
        if (parsed := ObjectName.parse(key)) is not None and parsed.is_manifest
    ]
    manifests = in_parallel(lambda name: manifest_or_error(store, name, sizes), names)
    shared = SharedParts()
    return [
        (name, shared.of(read) if isinstance(read, Manifest) else read)
        for name, read in zip(names, manifests, strict=True)
        if not isinstance(read, BackupNotFoundError)
    ]


def check_sizes(manifest: Manifest, sizes: Mapping[str, int], *, read_from: str) -> None:
    """Raises ChecksumError for a volume that a listing of the store does not have in its full size."""
    others = manifest.other_copies(read_from)
    for volume in manifest.objects:
        size = sizes.get(volume.key)
        if size is None:
            raise damaged(volume.key, "it is missing", others=others)
        if size != volume.bytes:
            why = f"it has {size:,} bytes instead of {volume.bytes:,}"
            raise damaged(volume.key, why, others=others)


def _manifest_or_failure(store: ObjectStore, name: BackupName) -> Manifest | NotRead:
    try:
        return read_manifest(store, name)
    except (StorageError, IntegrityError, BackupNotFoundError) as exc:
        return exc


def manifest_or_error(
    store: ObjectStore, name: BackupName, sizes: Mapping[str, int]
) -> Manifest | IntegrityError | BackupNotFoundError:
    """The manifest, whose volumes a listing has in their `sizes`; or why it cannot be trusted, or that
    there is none. Raises StorageError.
    """
    try:
        manifest = read_manifest(store, name)
        check_sizes(manifest, sizes, read_from=store.name)
    except (IntegrityError, BackupNotFoundError) as exc:
        return exc
    return manifest


def no_such_backup(name: str) -> BackupNotFoundError:
    """The error for a name that no store knows."""
    return BackupNotFoundError(
        f"No backup is named {name}",
        operation="find backup",
        key=name,
        hint="`supakeep list` (GET /api/admin/backups) shows the names; "
        "`latest` is the newest good one.",
    )
