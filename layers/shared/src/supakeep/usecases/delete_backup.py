"""Delete one backup for good, from each store that holds it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from supakeep.domain.backup_name import FOLDER, BackupName, ObjectName
from supakeep.domain.deletion import (
    DeletedStore,
    DeleteReport,
    require_another_good,
    require_unpinned,
)
from supakeep.domain.pin import holding
from supakeep.domain.run import problem_of
from supakeep.ports import ObjectStore, StoredObject
from supakeep.system import NoDeadline
from supakeep.usecases.newest_good import newest_first
from supakeep.usecases.read_pins import pins_of
from supakeep.usecases.remove_backups import Removal, remove_backups
from supakeep.usecases.stored_manifests import no_such_backup


def delete_backup(
    name: BackupName, stores: Sequence[ObjectStore], now: dt.datetime, *, dry_run: bool
) -> DeleteReport:
    """Looks at every store first: what any of them has against it keeps the backup in all of them. What
    fails later in one store is its problem, and the others go on. Whoever calls it keeps all runs away.

    Raises UnsafeOperationError for a backup that is pinned, and where a store would be left without a
    good one; BackupNotFoundError where no store has any object of it; StorageError where a store
    cannot be looked into.
    """
    found = [(store, _objects(store, name)) for store in stores]
    doomed = [(store, objects) for store, objects in found if objects]
    if not doomed:
        raise no_such_backup(name.text)
    for store, _ in doomed:
        _require_expendable(name, store, now)
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
