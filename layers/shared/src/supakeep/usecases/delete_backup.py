"""Delete one backup for good, from each store that holds it."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Sequence
from dataclasses import dataclass

from supakeep.domain.backup_name import FOLDER, MANIFEST_SUFFIX, BackupName, ObjectName
from supakeep.domain.deletion import (
    DeletedStore,
    DeleteReport,
    require_another_good,
    require_unpinned,
)
from supakeep.domain.pin import holding
from supakeep.domain.run import problem_of
from supakeep.errors import StorageError
from supakeep.ports import ObjectStore, StoredObject
from supakeep.usecases.newest_good import newest_first
from supakeep.usecases.read_pins import pins_of
from supakeep.usecases.stored_manifests import no_such_backup

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Doomed:
    """What one store holds of the backup, the manifest first: without it the rest is no backup, wherever
    the deletion ends.
    """

    store: ObjectStore
    objects: list[StoredObject]


def delete_backup(
    name: BackupName, stores: Sequence[ObjectStore], now: dt.datetime, *, dry_run: bool
) -> DeleteReport:
    """Looks at every store first: what any of them has against it keeps the backup in all of them. What
    fails later in one store is its problem, and the others go on. Whoever calls it keeps all runs away.

    Raises UnsafeOperationError for a backup that is pinned, and where a store would be left without a
    good one; BackupNotFoundError where no store has any object of it; StorageError where a store
    cannot be looked into.
    """
    found = [_Doomed(store, _objects(store, name)) for store in stores]
    doomed = [one for one in found if one.objects]
    if not doomed:
        raise no_such_backup(name.text)
    for one in doomed:
        _require_expendable(name, one.store, now)
    deleted = [_counted(one, one.objects) if dry_run else _delete(one) for one in doomed]
    return DeleteReport(backup=name.text, dry_run=dry_run, stores=tuple(deleted))


def _require_expendable(name: BackupName, store: ObjectStore, now: dt.datetime) -> None:
    require_unpinned(name.text, holding(pins_of([store], name), now))
    others = newest_first(store, name.project_ref, now=now)
    exists = any(manifest.is_good and manifest.name != name for manifest in others)
    require_another_good(name.text, store.name, exists=exists)


def _objects(store: ObjectStore, name: BackupName) -> list[StoredObject]:
    listed = store.list(f"{FOLDER}/{name}")
    # a day's name also begins those of its other backups
    own = [s for s in listed if (o := ObjectName.parse(s.key)) is not None and o.backup == name]
    return sorted(own, key=lambda stored: not stored.key.endswith(MANIFEST_SUFFIX))


def _delete(doomed: _Doomed) -> DeletedStore:
    removed: list[StoredObject] = []
    try:
        for stored in doomed.objects:
            doomed.store.delete(stored.key)
            removed.append(stored)
            log.info("%s was removed from %s", stored.key, doomed.store.name)
    except StorageError as exc:
        log.warning("A backup was not deleted to the end", exc_info=True)
        return _counted(doomed, removed, exc)
    return _counted(doomed, removed)


def _counted(
    doomed: _Doomed, removed: Sequence[StoredObject], error: StorageError | None = None
) -> DeletedStore:
    return DeletedStore(
        store=doomed.store.name,
        removed=tuple(stored.key for stored in removed),
        left=tuple(stored.key for stored in doomed.objects if stored not in removed),
        bytes=sum(stored.size_bytes for stored in removed),
        problem=None if error is None else problem_of(error),
    )
