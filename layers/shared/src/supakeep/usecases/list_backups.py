"""List backups, over every store that may hold a copy."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from supakeep.domain.backup_name import BackupName
from supakeep.domain.copy_versions import CopyVersion, copies_differ, versions_of
from supakeep.domain.manifest import Manifest
from supakeep.domain.manifest_parts import Problem
from supakeep.domain.pin import Pin
from supakeep.domain.run import problem_of
from supakeep.domain.untrusted import Untrusted
from supakeep.errors import IntegrityError, InvalidRequestError, StorageError
from supakeep.ports import ObjectStore
from supakeep.usecases.read_pins import read_pins
from supakeep.usecases.stored_manifests import read_manifests, sizes_in


@dataclass(frozen=True)
class FoundBackup:
    """One backup and the stores that hold its manifest. `manifest` is None, and `problem` says why,
    where no copy can be trusted, or where the copies differ: then there are several `versions`.
    `damaged_copies` says what is wrong with copies beside a good one.
    `pins` are those of each store that has one.
    """

    name: BackupName
    stores: tuple[str, ...]
    versions: tuple[CopyVersion, ...] = ()
    problem: Untrusted | None = None
    damaged_copies: tuple[str, ...] = ()
    pins: tuple[Pin, ...] = ()

    @property
    def manifest(self) -> Manifest | None:
        return self.versions[0].manifest if len(self.versions) == 1 else None


@dataclass(frozen=True)
class BackupListing:
    """Newest first. `problems` says, by store, what kept a listing from being whole."""

    backups: tuple[FoundBackup, ...]
    problems: dict[str, Problem]

    @property
    def untrusted(self) -> dict[str, Untrusted]:
        """By name the backups that are not believed, with the reason."""
        return {found.name.text: found.problem for found in self.backups if found.problem}


def list_backups(stores: Sequence[ObjectStore], project: str | None = None) -> BackupListing:
    """The backups of `project` (of every project where None) in any of the stores.

    A store that does not answer is reported beside what the others hold; where none answers, the
    first one's error is raised.
    """
    found: dict[BackupName, list[tuple[ObjectStore, Manifest | IntegrityError]]] = {}
    pins: dict[BackupName, list[Pin]] = {}
    problems: dict[str, Problem] = {}
    failures: list[StorageError] = []
    for store in stores:
        try:
            sizes = sizes_in(store, project)
            for name, manifest in read_manifests(store, sizes):
                found.setdefault(name, []).append((store, manifest))
            for name, pin in read_pins(store, sizes).items():
                pins.setdefault(name, []).append(pin)
        except StorageError as exc:
            failures.append(exc)
            problems[store.name] = problem_of(exc)
    if failures and len(failures) == len(stores):
        raise failures[0]
    ordered = sorted(found, key=lambda name: (_started(found[name]), name), reverse=True)
    backups = (
        replace(_merged(name, found[name]), pins=tuple(pins.get(name, ()))) for name in ordered
    )
    return BackupListing(tuple(backups), problems)


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


def require_agreement(found: FoundBackup) -> CopyVersion:
    """The version that is trusted. Raises CopiesDifferError where the stores hold different ones."""
    if len(found.versions) > 1:
        raise copies_differ(found.versions)
    return found.versions[0]


def in_store(store: str, error: StorageError | IntegrityError) -> str:
    """What is wrong with the copy in this store."""
    return f"{store}: {error.message}"


def _merged(
    name: BackupName, copies: Sequence[tuple[ObjectStore, Manifest | IntegrityError]]
) -> FoundBackup:
    damaged = [(store.name, copy) for store, copy in copies if isinstance(copy, IntegrityError)]
    versions = versions_of(
        (store.name, copy) for store, copy in copies if isinstance(copy, Manifest)
    )
    if not versions:
        problem = Untrusted.of(damaged[0][1])
        return FoundBackup(name, tuple(store for store, _ in damaged), problem=problem)
    differ = Untrusted.of(copies_differ(versions)) if len(versions) > 1 else None
    return FoundBackup(
        name,
        tuple(store for version in versions for store in version.stores),
        versions,
        differ,
        tuple(in_store(store, error) for store, error in damaged),
    )


def _started(copies: Iterable[tuple[ObjectStore, Manifest | IntegrityError]]) -> float:
    """Seconds since 1970, only for sorting; a copy that cannot be trusted sorts last, by name."""
    return max(
        (copy.started_at.timestamp() for _, copy in copies if isinstance(copy, Manifest)),
        default=0.0,
    )
