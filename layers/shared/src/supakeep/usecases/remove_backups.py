"""Remove backups from a store, many at a time, so that none is ever half of one."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from supakeep.domain.backup_name import MANIFEST_SUFFIX, BackupName
from supakeep.errors import ObjectLockedError, StorageError
from supakeep.ports import Deadline, ObjectStore, StoredObject

log = logging.getLogger(__name__)

# the lease is confirmed and the time looked at between two groups
_GROUP = 250


@dataclass(frozen=True)
class Removal:
    """What went of one backup, and what stayed because of `error`."""

    removed: tuple[StoredObject, ...]
    left: tuple[StoredObject, ...]
    error: StorageError | None

    @property
    def is_locked(self) -> bool:
        return isinstance(self.error, ObjectLockedError)


def remove_backups(
    store: ObjectStore, doomed: Mapping[BackupName, Sequence[StoredObject]], deadline: Deadline
) -> Iterator[tuple[BackupName, Removal]]:
    """What became of each backup, in their order, as far as the store did not fail: it is not asked for
    more after the first failure that is no lock.
    """
    names = list(doomed)
    for start in range(0, len(names), _GROUP):
        group = {name: doomed[name] for name in names[start : start + _GROUP]}
        removals = _remove(store, group, deadline)
        yield from removals.items()
        if any(removal.error and not removal.is_locked for removal in removals.values()):
            return


def _remove(
    store: ObjectStore, group: Mapping[BackupName, Sequence[StoredObject]], deadline: Deadline
) -> dict[BackupName, Removal]:
    """The manifests go first: without them the rest is no backup, whatever happens next."""
    objects = [stored for held in group.values() for stored in held]
    manifests = [stored.key for stored in objects if _is_manifest(stored)]
    left = _delete(store, manifests, deadline)
    if not any(not isinstance(error, ObjectLockedError) for error in left.values()):
        free = [held for held in group.values() if not any(stored.key in left for stored in held)]
        rest = [stored.key for held in free for stored in held if not _is_manifest(stored)]
        left |= _delete(store, rest, deadline)
        asked = {*manifests, *rest}
    else:
        asked = set(manifests)
    return {name: _removal(held, left, asked) for name, held in group.items()}


def _delete(store: ObjectStore, keys: Sequence[str], deadline: Deadline) -> dict[str, StorageError]:
    if not keys:
        return {}
    deadline.check()
    left = store.delete_all(keys)
    for key in keys:
        if key not in left:
            log.info("%s was removed from %s", key, store.name)
    return left


def _removal(
    held: Sequence[StoredObject], left: Mapping[str, StorageError], asked: set[str]
) -> Removal:
    removed = [stored for stored in held if stored.key in asked and stored.key not in left]
    own = (left[stored.key] for stored in held if stored.key in left)
    return Removal(
        tuple(removed),
        tuple(stored for stored in held if stored not in removed),
        next(own, None) or next(iter(left.values()), None) if len(removed) < len(held) else None,
    )


def _is_manifest(stored: StoredObject) -> bool:
    return stored.key.endswith(MANIFEST_SUFFIX)
