"""Find the undo copy that a restore kept of its tables before it wrote."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence

from supakeep.domain.backup_name import BackupName
from supakeep.domain.manifest import Manifest, Trigger
from supakeep.domain.restore import RestoreReport
from supakeep.domain.retention import is_of_the_future
from supakeep.domain.run import validated_run_id
from supakeep.errors import BackupNotFoundError, InvalidRequestError
from supakeep.ports import ObjectStore
from supakeep.usecases.list_backups import FoundBackup, list_backups, require_agreement
from supakeep.usecases.track_runs import TrackRuns

_HINT = (
    "Only a restore with SUPABASE_DB_URL can be undone, and only as long as its undo copy is kept. "
    "`supakeep list` shows the undo copies and the runs that they undo."
)


def find_undo(stores: Sequence[ObjectStore], run_id: str, project: str) -> Manifest:
    """The undo copy of the restore run `run_id`. Raises BackupNotFoundError, InvalidRequestError for
    what is not a run ID, and, as the others here, CopiesDifferError.
    """
    validated_run_id(run_id)
    for found, manifest in _manifests(stores, project):
        if manifest.trigger is Trigger.PRE_RESTORE and manifest.run == run_id:
            return require_agreement(found).manifest
    raise _not_found(f"No undo copy was made before run {run_id}", run_id)


def find_last_undo(stores: Sequence[ObjectStore], project: str, now: dt.datetime) -> Manifest:
    """The undo copy of the newest restore; one that is dated after `now` is nobody's newest. Raises
    BackupNotFoundError.
    """
    for found, manifest in _manifests(stores, project):
        is_undo = manifest.trigger is Trigger.PRE_RESTORE
        if is_undo and not is_of_the_future(manifest, now):
            return require_agreement(found).manifest
    raise _not_found(f"No restore of project {project} has left an undo copy", project)


def find_undo_by_name(stores: Sequence[ObjectStore], name: str, project: str) -> Manifest:
    """The undo copy of this name. Raises BackupNotFoundError, or InvalidRequestError where it is
    another backup's.
    """
    wanted = BackupName.parse(name)
    for found, manifest in _manifests(stores, project):
        if manifest.name != wanted:
            continue
        if manifest.trigger is not Trigger.PRE_RESTORE:
            raise InvalidRequestError(
                f"{wanted} is not an undo copy: no restore made it",
                operation="undo",
                key=wanted.text,
                hint=f"Restore it with `supakeep restore {wanted}`.",
            )
        return require_agreement(found).manifest
    raise _not_found(f"No undo copy is named {wanted}", wanted.text)


def tables_restored(runs: TrackRuns, undo: Manifest) -> tuple[str, ...] | None:
    """The tables of an undo copy that its restore wrote, as the record of that run says: whoever names
    the restore names them. None where there is no such record.
    """
    run = None if undo.run is None else runs.store.get(undo.run)
    if run is None or not isinstance(run.result, RestoreReport):
        return None
    written = set(_written(run.result))
    return tuple(entry.name for entry in undo.tables if entry.name in written) or None


def _written(report: RestoreReport) -> Iterator[str]:
    for table in report.tables:
        schema, _, name = table.name.partition(".")
        yield f"{report.into_schema or schema}.{name}"


def _manifests(
    stores: Sequence[ObjectStore], project: str
) -> Iterator[tuple[FoundBackup, Manifest]]:
    """Newest first; of a backup of which the stores hold different ones, each of these."""
    for found in list_backups(stores, project).backups:
        for version in found.versions:
            yield found, version.manifest


def _not_found(message: str, key: str) -> BackupNotFoundError:
    return BackupNotFoundError(message, operation="undo", key=key, hint=_HINT)
