"""Find the newest good backup of a store with few reads, and judge another one by it."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Iterator, Sequence

from supakeep.domain.backup_name import FOLDER, BackupName, ObjectName
from supakeep.domain.manifest import Manifest
from supakeep.domain.pin import Pin
from supakeep.domain.policy import BackupPolicy
from supakeep.domain.proof import NO_PROOFS, Proofs
from supakeep.domain.retention import (
    CopyVerdict,
    StoredBackup,
    is_of_the_future,
    judge_copies,
)
from supakeep.errors import BackupNotFoundError, IntegrityError
from supakeep.ports import ObjectStore
from supakeep.usecases.stored_manifests import read_manifest


def newest_good(
    store: ObjectStore,
    project: str,
    *,
    now: dt.datetime,
    before: dt.datetime | None = None,
    most_reads: int | None = None,
) -> Manifest | None:
    """The newest good backup of the project in this store; with `before`, the newest that began
    before that moment. None where there is none, or none among the newest `most_reads` names.
    Raises StorageError.
    """
    manifests = newest_first(store, project, now=now, before=before, most_reads=most_reads)
    return next((manifest for manifest in manifests if manifest.is_good), None)


def newest_first(
    store: ObjectStore,
    project: str,
    *,
    now: dt.datetime,
    before: dt.datetime | None = None,
    most_reads: int | None = None,
) -> Iterator[Manifest]:
    """The manifests of this store that can be trusted, read as they are asked for; with `before`, of
    backups that began before that moment. Raises StorageError.
    """
    limit = now if before is None else before
    names = sorted(_names(store, project), reverse=True)
    candidates = [name for name in names if _day(name) <= f"{limit:%Y-%m-%d}"]
    # the names of one day do not say which of its backups is the newest
    for _, names_of_day in itertools.groupby(candidates[:most_reads], _day):
        manifests = [m for name in names_of_day if (m := _trusted(store, name, now)) is not None]
        earlier = [m for m in manifests if before is None or m.started_at < before]
        yield from sorted(earlier, key=lambda manifest: manifest.started_at, reverse=True)


def _trusted(store: ObjectStore, name: BackupName, now: dt.datetime) -> Manifest | None:
    try:
        manifest = read_manifest(store, name)
    except (BackupNotFoundError, IntegrityError):
        return None
    return None if is_of_the_future(manifest, now) else manifest


def _day(name: BackupName) -> str:
    return name.moment[:10]


def judge_backup(
    policy: BackupPolicy,
    manifest: Manifest,
    stores: Sequence[ObjectStore],
    now: dt.datetime,
    pins: tuple[Pin, ...] = (),
    proofs: Proofs = NO_PROOFS,
) -> tuple[CopyVerdict, ...]:
    """What retention says of the copy of one backup, with these pins, in each of these stores, which
    hold it: the same as `judge_copies` says, from the newest good and the newest proven backups only.
    """
    verdicts: list[CopyVerdict] = []
    for store in stores:
        newest = newest_good(store, manifest.project, now=now)
        held = [StoredBackup(manifest, (store.name,), pins)]
        proven = _proven_after(manifest, store, now, proofs)
        others = {m.backup: m for m in (newest, proven) if m and m.backup != manifest.backup}
        held += [StoredBackup(other, (store.name,)) for other in others.values()]
        own = policy.own_retention
        verdicts += judge_copies(policy.retention, held, now, own, proofs)[manifest.backup]
    return tuple(verdicts)


def _proven_after(
    manifest: Manifest, store: ObjectStore, now: dt.datetime, proofs: Proofs
) -> Manifest | None:
    """A newer backup of the store that is proven; not asked for where this one would not be kept as that."""
    if not (proofs.is_proven(manifest) or proofs.may_be_proven(manifest)):
        return None
    names = map(BackupName.parse, proofs.by_backup)
    newer = (_trusted(store, name, now) for name in names if _day(name) >= _day(manifest.name))
    return next(
        (m for m in newer if m and m.started_at > manifest.started_at and proofs.is_proven(m)), None
    )


def _names(store: ObjectStore, project: str) -> Iterator[BackupName]:
    for stored in store.list(f"{FOLDER}/backup_{project}_"):
        parsed = ObjectName.parse(stored.key)
        if parsed is not None and parsed.is_manifest:
            yield parsed.backup
