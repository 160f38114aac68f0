"""Find backups: list them, or one by its name, over every store that may hold a copy."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass

from supakeep.archive.damage import damaged
from supakeep.archive.manifest import manifest_content, parse_manifest
from supakeep.archive.reader import BackupReader
from supakeep.domain.backup_name import FOLDER, LATEST, BackupName, ObjectName
from supakeep.domain.manifest import Manifest, Problem
from supakeep.domain.retention import is_of_the_future
from supakeep.domain.run import problem_of
from supakeep.errors import (
    BackupNotFoundError,
    IntegrityError,
    InvalidRequestError,
    ObjectNotFoundError,
    StorageError,
)
from supakeep.ports import ObjectStore

log = logging.getLogger(__name__)

ANOTHER_BACKUP = "its manifest describes another backup of this name"
"""A backup that only the mirror took may leave its name to a later one."""

_PARALLEL_READS = 8


@dataclass(frozen=True)
class FoundBackup:
    """One backup and the stores that hold its manifest. `manifest` is None, and `problem` says why,
    where no copy can be trusted. `damaged_copies` says what is wrong with copies beside a good one.
    """

    name: BackupName
    stores: tuple[str, ...]
    manifest: Manifest | None
    problem: Problem | None = None
    damaged_copies: tuple[str, ...] = ()


@dataclass(frozen=True)
class BackupListing:
    """Newest first. `problems` says, by store, what kept a listing from being whole."""

    backups: tuple[FoundBackup, ...]
    problems: dict[str, Problem]


def list_backups(stores: Sequence[ObjectStore], project: str | None = None) -> BackupListing:
    """The backups of `project` (of every project where None) in any of the stores.

    A store that does not answer is reported beside what the others hold; where none answers, the
    first one's error is raised.
    """
    found: dict[BackupName, list[tuple[ObjectStore, Manifest | IntegrityError]]] = {}
    problems: dict[str, Problem] = {}
    failures: list[StorageError] = []
    for store in stores:
        try:
            for name, manifest in read_manifests(store, project):
                found.setdefault(name, []).append((store, manifest))
        except StorageError as exc:
            failures.append(exc)
            problems[store.name] = problem_of(exc)
    if failures and len(failures) == len(stores):
        raise failures[0]
    ordered = sorted(found, key=lambda name: (_started(found[name]), name), reverse=True)
    return BackupListing(tuple(_merged(name, found[name]) for name in ordered), problems)


def page_of(
    listing: BackupListing, *, limit: int, before: str | None
) -> tuple[list[FoundBackup], str | None]:
    """At most `limit` of the backups that can be trusted, newest first, only those below `before`.

    The second value is the name to pass as `before` for the next page; None where this is the last.
    Raises InvalidRequestError for a name that is not in the listing.
    """
    trusted = [found for found in listing.backups if found.manifest]
    start = 0 if before is None else _position(trusted, before) + 1
    page = trusted[start : start + limit]
    is_last = start + limit >= len(trusted)
    return page, None if is_last else page[-1].name.text


def _position(backups: Sequence[FoundBackup], name: str) -> int:
    parsed = BackupName.parse(name)
    for position, found in enumerate(backups):
        if found.name == parsed:
            return position
    # going on from where it might have been could skip a backup
    raise InvalidRequestError(
        f"The list has no backup {parsed} to continue below",
        operation="list backups",
        key=parsed.text,
        hint="It may have been removed meanwhile; list again from the start, without `before`.",
    )


def read_manifests(
    store: ObjectStore, project: str | None
) -> list[tuple[BackupName, Manifest | IntegrityError]]:
    """Every backup's manifest in one store, or why it cannot be trusted."""
    prefix = f"{FOLDER}/backup_{project}_" if project else f"{FOLDER}/"
    sizes = {stored.key: stored.size_bytes for stored in store.list(prefix)}
    names = [
        parsed.backup
        for key in sizes
        if (parsed := ObjectName.parse(key)) is not None and parsed.is_manifest
    ]
    with ThreadPoolExecutor(_PARALLEL_READS) as pool:
        reading = [
            pool.submit(copy_context().run, _manifest_or_error, store, name, sizes)
            for name in names
        ]
        manifests = [future.result() for future in reading]
    return [(name, read) for name, read in zip(names, manifests, strict=True) if read is not None]


def check_sizes(manifest: Manifest, sizes: Mapping[str, int], *, read_from: str) -> None:
    """Raises ChecksumError for a volume that a listing of the store does not have in its full size."""
    for volume in manifest.volumes:
        size = sizes.get(volume.key)
        if size is None:
            raise damaged(volume.key, "it is missing", read_from=read_from)
        if size != volume.bytes:
            why = f"it has {size:,} bytes instead of {volume.bytes:,}"
            raise damaged(volume.key, why, read_from=read_from)


def read_manifest(store: ObjectStore, name: BackupName) -> Manifest:
    """Raises BackupNotFoundError, or an IntegrityError where the manifest cannot be trusted."""
    try:
        with store.read(name.manifest_key) as pieces:
            content = manifest_content(pieces)
    except ObjectNotFoundError as exc:
        raise _not_found(name.text) from exc
    return parse_manifest(content, name.manifest_key, read_from=store.name)


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
            _in_store(name, exc)
            for name, exc in failures.items()
            if not isinstance(exc, BackupNotFoundError)
        ]
        return BackupReader(manifest, _first(store.name, stores), damaged_copies=others)
    # damage or a dead store says more than that the name is unknown elsewhere
    raise min(failures.values(), key=lambda exc: isinstance(exc, BackupNotFoundError))


def _in_store(store: str, error: StorageError | IntegrityError) -> str:
    return f"{store}: {error.message}"


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
            problems[store.name] = _in_store(store.name, exc)
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


def _manifest_or_error(
    store: ObjectStore, name: BackupName, sizes: Mapping[str, int]
) -> Manifest | IntegrityError | None:
    """None where the backup was pruned after it was listed."""
    try:
        manifest = read_manifest(store, name)
        check_sizes(manifest, sizes, read_from=store.name)
    except IntegrityError as exc:
        return exc
    except BackupNotFoundError:
        return None
    return manifest


def _merged(
    name: BackupName, copies: Sequence[tuple[ObjectStore, Manifest | IntegrityError]]
) -> FoundBackup:
    trusted = [(store.name, copy) for store, copy in copies if isinstance(copy, Manifest)]
    damaged = [(store.name, copy) for store, copy in copies if isinstance(copy, IntegrityError)]
    if not trusted:
        store, error = damaged[0]
        return FoundBackup(name, (store,), None, problem_of(error))
    manifest = trusted[0][1]
    same = [store for store, copy in trusted if copy.volumes == manifest.volumes]
    return FoundBackup(
        name,
        tuple(same),
        manifest,
        damaged_copies=(
            *(_in_store(store, error) for store, error in damaged),
            *(f"{store}: {ANOTHER_BACKUP}" for store, _ in trusted if store not in same),
        ),
    )


def _started(copies: Iterable[tuple[ObjectStore, Manifest | IntegrityError]]) -> float:
    """Seconds since 1970, only for sorting; a copy that cannot be trusted sorts last, by name."""
    return max(
        (copy.started_at.timestamp() for _, copy in copies if isinstance(copy, Manifest)),
        default=0.0,
    )


def _not_found(name: str) -> BackupNotFoundError:
    return BackupNotFoundError(
        f"No backup is named {name}",
        operation="find backup",
        key=name,
        hint="`supakeep list` (GET /api/admin/backups) shows the names; "
        "`latest` is the newest good one.",
    )
