"""Find a backup by its name, over every store that may hold a copy."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterator, Sequence

from supakeep.archive.reader import BackupReader
from supakeep.domain.backup_name import FOLDER, LATEST, BackupName
from supakeep.domain.copy_versions import (
    CopyVersion,
    chosen_notice,
    is_same_backup,
    versions_of,
)
from supakeep.domain.manifest import Manifest
from supakeep.domain.retention import is_of_the_future
from supakeep.errors import BackupNotFoundError, IntegrityError, StorageError
from supakeep.ports import ObjectStore
from supakeep.usecases.list_backups import (
    BackupListing,
    FoundBackup,
    in_store,
    list_backups,
    require_agreement,
)
from supakeep.usecases.stored_manifests import agreed_version, check_sizes, manifests_of

log = logging.getLogger(__name__)


def find_backup(
    stores: Sequence[ObjectStore],
    name: str,
    project: str | None,
    *,
    now: dt.datetime,
    beside: Sequence[ObjectStore] = (),
) -> BackupReader:
    """The backup of this name, read first from the first store whose manifest is in order.

    `latest` is the newest good backup of `project` (of any where None). A store that fails, or whose
    manifest is damaged, is passed over, and the reader says so; the first failure is raised where none
    has it. Raises CopiesDifferError where stores hold different backups of this name; those of `beside`,
    which the caller did not choose, are only named by the reader.
    """
    if name == LATEST:
        return _find_latest(stores, project, now, beside)
    found = manifests_of(stores, BackupName.parse(name))
    version = agreed_version(found)
    failed = [
        in_store(store, error)
        for store, error in found.items()
        if isinstance(error, StorageError | IntegrityError)
    ]
    return BackupReader(
        version.manifest,
        _first(version.stores[0], stores),
        damaged_copies=[*_not_chosen(version, beside), *failed],
    )


def _not_chosen(chosen: CopyVersion, beside: Sequence[ObjectStore]) -> list[str]:
    """What is said of stores with a different backup of this name that the caller did not choose."""
    found = manifests_of(beside, chosen.manifest.name)
    held = ((s, m) for s, m in found.items() if isinstance(m, Manifest))
    others = [v for v in versions_of(held) if not is_same_backup(v.manifest, chosen.manifest)]
    return [chosen_notice(chosen, others)] if others else []


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
    stores: Sequence[ObjectStore],
    project: str | None,
    now: dt.datetime,
    beside: Sequence[ObjectStore],
) -> BackupReader:
    listing = list_backups(stores, project)
    newest = _newest_good(listing, now)
    if newest is not None:
        version = require_agreement(newest)
        return BackupReader(
            version.manifest,
            _first(version.stores[0], stores),
            passed_over=[*_passed_over(listing, newest.name, now)],
            damaged_copies=[*_not_chosen(version, beside), *newest.damaged_copies],
        )
    raise BackupNotFoundError(
        f"Project {project} has no good backup" if project else "There is no good backup",
        operation="find backup",
        key=LATEST,
        hint="`supakeep list` shows what there is; `supakeep backup` makes one.",
    )


def _newest_good(listing: BackupListing, now: dt.datetime) -> FoundBackup | None:
    """One of which any version is good counts: that the stores differ must not let it pass for
    something else than the newest.
    """
    good = [
        (version.manifest.started_at, found.name, found)
        for found in listing.backups
        for version in found.versions
        if version.manifest.is_good and not is_of_the_future(version.manifest, now)
    ]
    return max(good, key=lambda candidate: candidate[:2])[2] if good else None


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
