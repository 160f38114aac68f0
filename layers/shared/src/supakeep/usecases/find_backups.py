"""Find a backup by its name, over every store that may hold a copy."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterator, Sequence

from supakeep.archive.reader import BackupReader
from supakeep.domain.backup_name import FOLDER, LATEST, BackupName
from supakeep.domain.manifest import Manifest
from supakeep.domain.retention import is_of_the_future
from supakeep.errors import BackupNotFoundError, IntegrityError, StorageError
from supakeep.ports import ObjectStore
from supakeep.usecases.list_backups import BackupListing, in_store, list_backups
from supakeep.usecases.stored_manifests import check_sizes, read_manifest

log = logging.getLogger(__name__)


def find_backup(
    stores: Sequence[ObjectStore], name: str, project: str | None, *, now: dt.datetime
) -> BackupReader:
    """The backup of this name, read first from the first store whose manifest is in order.

    `latest` is the newest good backup of `project` (of any where None). Where the first store fails
    or its manifest is damaged, the next one is asked; the first failure is raised where none has it.
    """
    if name == LATEST:
        return _find_latest(stores, project, now)
    parsed = BackupName.parse(name)
    failures: dict[str, StorageError | IntegrityError | BackupNotFoundError] = {}
    for store in stores:
        try:
            manifest = read_manifest(store, parsed)
        except (StorageError, IntegrityError, BackupNotFoundError) as exc:
            failures[store.name] = exc
            continue
        others = [
            in_store(name, exc)
            for name, exc in failures.items()
            if not isinstance(exc, BackupNotFoundError)
        ]
        return BackupReader(manifest, _first(store.name, stores), damaged_copies=others)
    # damage or a dead store says more than that the name is unknown elsewhere
    raise min(failures.values(), key=lambda exc: isinstance(exc, BackupNotFoundError))


def stores_holding(stores: Sequence[ObjectStore], name: BackupName) -> list[str]:
    """The names of the stores that hold this backup's manifest; one that does not answer does not."""
    holders = []
    for store in stores:
        try:
            if any(stored.key == name.manifest_key for stored in store.list(name.manifest_key)):
                holders.append(store.name)
        except StorageError:
            log.warning("%s could not be asked for %s", store.name, name, exc_info=True)
    return holders


def damaged_copies(stores: Sequence[ObjectStore], manifest: Manifest) -> dict[str, str]:
    """What is wrong with the copies in those stores that hold the manifest, by the sizes of objects;
    no object is read. A sentence for each store with such a copy.
    """
    problems = {}
    for store in stores:
        try:
            listed = store.list(f"{FOLDER}/{manifest.name}")
            sizes = {stored.key: stored.size_bytes for stored in listed}
            if manifest.name.manifest_key in sizes:
                check_sizes(manifest, sizes, read_from=store.name)
        except (IntegrityError, StorageError) as exc:
            problems[store.name] = in_store(store.name, exc)
    return problems


def _find_latest(
    stores: Sequence[ObjectStore], project: str | None, now: dt.datetime
) -> BackupReader:
    listing = list_backups(stores, project)
    good = [
        (found, found.manifest)
        for found in listing.backups
        if found.manifest is not None
        and found.manifest.is_good
        and not is_of_the_future(found.manifest, now)
    ]
    if good:
        found, manifest = good[0]
        passed_over = [*_passed_over(listing, found.name, now)]
        return BackupReader(
            manifest,
            _first(found.stores[0], stores),
            passed_over=passed_over,
            damaged_copies=found.damaged_copies,
        )
    raise BackupNotFoundError(
        f"Project {project} has no good backup" if project else "There is no good backup",
        operation="find backup",
        key=LATEST,
        hint="`supakeep list` shows what there is; `supakeep backup` makes one.",
    )


def _passed_over(listing: BackupListing, latest: BackupName, now: dt.datetime) -> Iterator[str]:
    """Why a newer backup than `latest` may exist: silence would pass the older one off as it."""
    for store, problem in listing.problems.items():
        yield f"A newer backup may exist: {store} could not be listed: {problem.message}"
    for found in listing.backups:
        if found.problem is not None and _may_be_newer(found.name, latest):
            yield f"{found.name} was passed over, and may be newer: {found.problem.message}"
        elif found.manifest is not None and is_of_the_future(found.manifest, now):
            at = found.manifest.started_at
            yield f"{found.name} was passed over: it is dated in the future ({at:%Y-%m-%d %H:%M} UTC)"


def _may_be_newer(name: BackupName, than: BackupName) -> bool:
    """By their names, which for the first backup of a day have no time."""
    return name.moment > than.moment or than.moment.startswith(name.moment)


def _first(name: str, stores: Sequence[ObjectStore]) -> list[ObjectStore]:
    """The stores with the one of this name in front."""
    return sorted(stores, key=lambda store: store.name != name)
