"""Find the newest good backup of a store with few reads, and judge another one by it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence

from supakeep.domain.backup_name import FOLDER, BackupName, ObjectName
from supakeep.domain.manifest import Manifest
from supakeep.domain.policy import RetentionPolicy
from supakeep.domain.retention import (
    CopyVerdict,
    StoredBackup,
    is_of_the_future,
    judge_copies,
)
from supakeep.errors import BackupNotFoundError, IntegrityError
from supakeep.ports import ObjectStore
from supakeep.usecases.find_backups import read_manifest


def newest_good(
    store: ObjectStore,
    project: str,
    *,
    now: dt.datetime,
    before: BackupName | None = None,
    most_reads: int | None = None,
) -> Manifest | None:
    """The newest good backup of the project in this store, by name; with `before`, the newest of those
    with a lower name. None where there is none, or none among the first `most_reads`. Raises
    StorageError.
    """
    names = sorted(_names(store, project), reverse=True)
    older = [name for name in names if before is None or name < before]
    for name in older[:most_reads]:
        try:
            manifest = read_manifest(store, name)
        except (BackupNotFoundError, IntegrityError):
            continue
        if manifest.is_good and not is_of_the_future(manifest, now):
            return manifest
    return None


def judge_backup(
    policy: RetentionPolicy, manifest: Manifest, stores: Sequence[ObjectStore], now: dt.datetime
) -> tuple[CopyVerdict, ...]:
    """What retention says of the copy of one backup in each of these stores, which hold it: the same
    as `judge_copies` says, from the newest good backups only.
    """
    verdicts: list[CopyVerdict] = []
    for store in stores:
        newest = newest_good(store, manifest.project, now=now)
        others = [newest] if newest and newest.backup != manifest.backup else []
        held = [StoredBackup(m, (store.name,)) for m in (manifest, *others)]
        verdicts += judge_copies(policy, held, now)[manifest.backup]
    return tuple(verdicts)


def _names(store: ObjectStore, project: str) -> Iterator[BackupName]:
    for stored in store.list(f"{FOLDER}/backup_{project}_"):
        parsed = ObjectName.parse(stored.key)
        if parsed is not None and parsed.is_manifest:
            yield parsed.backup
