"""Survey a project: its backups, its newest runs, and what the settings ask for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from supakeep.domain.api_key import ApiKey
from supakeep.domain.retention import StoredBackup
from supakeep.domain.run import problem_of
from supakeep.domain.safety import Situation
from supakeep.domain.schedule import Schedule
from supakeep.errors import StorageError
from supakeep.ports import ObjectStore
from supakeep.usecases.list_backups import BackupListing, FoundBackup, list_backups
from supakeep.usecases.newest_proof import newest_proof
from supakeep.usecases.project import Project
from supakeep.usecases.track_runs import TrackRuns

# several days of backups and the prunes after them
RECENT_RUNS = 50


def survey_project(
    project: Project,
    stores: Sequence[ObjectStore],
    schedules: Sequence[Schedule],
    max_age_hours: int,
    keys: Sequence[ApiKey] = (),
) -> Situation:
    """What is there now. A store that does not answer is part of the answer, even where none does;
    raises StorageError where the runs cannot be read.
    """
    listing, now = _listing(project, stores), project.clock.now()
    return Situation(
        now=now,
        backups=trusted(listing.backups),
        untrusted=listing.untrusted,
        unreachable=listing.problems,
        runs=TrackRuns.of(project).list(RECENT_RUNS),
        stores=[store.name for store in stores],
        schedules=schedules,
        max_age_hours=max_age_hours,
        proven=newest_proof(stores, project.ref, now),
        keys=keys,
    )


def trusted(backups: Iterable[FoundBackup]) -> list[StoredBackup]:
    """Those whose manifest can be trusted, with the stores that hold them."""
    return [
        StoredBackup(found.manifest, found.stores, found.pins)
        for found in backups
        if found.manifest
    ]


def _listing(project: Project, stores: Sequence[ObjectStore]) -> BackupListing:
    try:
        return list_backups(stores, project.ref)
    except StorageError as exc:
        return BackupListing((), {store.name: problem_of(exc) for store in stores})
