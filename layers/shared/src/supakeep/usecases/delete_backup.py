"""Delete one backup for good, from each store that holds it."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Sequence

from supakeep.domain.backup_name import FOLDER, BackupName, ObjectName
from supakeep.domain.deletion import (
    DeletedStore,
    DeleteReport,
    require_another_good,
    require_not_newest_proven,
    require_unpinned,
)
from supakeep.domain.manifest import Manifest
from supakeep.domain.pin import holding
from supakeep.domain.retention import newest_proven
from supakeep.domain.run import problem_of
from supakeep.ports import ObjectStore, StoredObject
from supakeep.system import NoDeadline
from supakeep.usecases.newest_good import newest_first
from supakeep.usecases.read_pins import pins_of
from supakeep.usecases.read_proofs import read_proofs
from supakeep.usecases.remove_backups import Removal, remove_backups
from supakeep.usecases.stored_manifests import manifests_of, no_such_backup


def delete_backup(
    name: BackupName, stores: Sequence[ObjectStore], now: dt.datetime, *, dry_run: bool
) -> DeleteReport:
    """Looks at every store first: what any of them has against it keeps the backup in all of them. What
    fails later in one store is its problem, and the others go on. Whoever calls it keeps all runs away.

    Raises UnsafeOperationError for a backup that is pinned, for one that is or may be the newest proven
    one of a store, and where a store would be left without a good one; BackupNotFoundError where no store
    has any object of it; StorageError where a store cannot be looked into.
    """
    found = [(store, _objects(store, name)) for store in stores]
    doomed = [(store, objects) for store, objects in found if objects]
    if not doomed:
        raise no_such_backup(name.text)
    for store, _ in doomed:
        _require_expendable(name, store, now)
        _require_not_newest_proven(name, store, stores, now)
    deleted = [
        _deleted(store, Removal(tuple(objects), (), None))
        if dry_run
        else _deleted(store, dict(remove_backups(store, {name: objects}, NoDeadline()))[name])
        for store, objects in doomed
    ]
    return DeleteReport(backup=name.text, dry_run=dry_run, stores=tuple(deleted))


def _require_expendable(name: BackupName, store: ObjectStore, now: dt.datetime) -> None:
    require_unpinned(name.text, holding(pins_of([store], name), now))
    others = newest_first(store, name.project_ref, now=now)
    exists = any(manifest.is_good and manifest.name != name for manifest in others)
    require_another_good(name.text, store.name, exists=exists)


def _require_not_newest_proven(
    name: BackupName, store: ObjectStore, stores: Sequence[ObjectStore], now: dt.datetime
) -> None:
    """Asks the ledger of every store, since one that failed during a drill lacks its entry."""
    manifest = manifests_of([store], name)[store.name]
    if not isinstance(manifest, Manifest):
        return
    proofs = read_proofs(stores, [manifest], name.project_ref, now)
    if proofs.is_proven(manifest) or proofs.may_be_proven(manifest):
        newer = itertools.takewhile(
            lambda other: other.name != name, newest_first(store, name.project_ref, now=now)
        )
        if not any(other.is_good and proofs.is_proven(other) for other in newer):
            why = newest_proven([manifest], proofs, now).get(name.text)
            require_not_newest_proven(name.text, store.name, why)


def _objects(store: ObjectStore, name: BackupName) -> list[StoredObject]:
    listed = store.list(f"{FOLDER}/{name}")
    # a day's name also begins those of its other backups
    return [s for s in listed if (o := ObjectName.parse(s.key)) is not None and o.backup == name]


def _deleted(store: ObjectStore, removal: Removal) -> DeletedStore:
    return DeletedStore(
        store=store.name,
        removed=tuple(stored.key for stored in removal.removed),
        left=tuple(stored.key for stored in removal.left),
        bytes=sum(stored.size_bytes for stored in removal.removed),
        problem=None if removal.error is None else problem_of(removal.error),
    )
