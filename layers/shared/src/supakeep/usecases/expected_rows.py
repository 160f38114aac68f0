"""How many rows a run's tables will probably have, so that its time left can be computed."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence

from supakeep.domain.backup_name import FOLDER, BackupName, ObjectName
from supakeep.domain.manifest import Manifest, TableStatus
from supakeep.domain.plan import selects
from supakeep.domain.policy import DEFAULT_SCHEMA
from supakeep.domain.restore import RestoreRequest
from supakeep.errors import BackupNotFoundError, IntegrityError, StorageError
from supakeep.ports import ObjectStore
from supakeep.usecases.find_backups import read_manifest
from supakeep.usecases.project import Project

log = logging.getLogger(__name__)

# where so many in a row are damaged or partial, an estimate is not worth more reads
_MOST_READS = 10


def rows_of_last_backup(project: Project, folder: ObjectStore | None = None) -> Mapping[str, int]:
    """The rows of the newest good backup's tables, as far as the policy still takes them.

    None of them where there is no such backup, or where its store fails: an estimate is not worth
    the backup that it is for.
    """
    try:
        last = newest_good_before(folder or project.primary, project.ref)
    except StorageError:
        log.warning("The last backup's rows could not be read", exc_info=True)
        last = None
    if last is None:
        return {}
    return {
        entry.name: entry.rows
        for entry in last.tables
        if selects(project.policy, entry.table.schema_name, entry.table.name)
    }


def rows_to_restore(manifest: Manifest, request: RestoreRequest) -> Mapping[str, int]:
    """The rows of the tables that a restore will write; none where rows are chosen by value."""
    if request.where is not None:
        return {}
    return {
        entry.name: entry.rows
        for entry in manifest.tables
        if entry.status is TableStatus.COMPLETE and _is_wanted(entry.name, request.tables)
    }


def newest_good_before(
    store: ObjectStore, project: str, before: BackupName | None = None
) -> Manifest | None:
    """The newest good backup of the project in this store, by name; with `before`, the newest of those
    with a lower name. None where the first few are damaged or partial. Raises StorageError.
    """
    names = sorted(_names(store, project), reverse=True)
    older = [name for name in names if before is None or name < before]
    for name in older[:_MOST_READS]:
        try:
            manifest = read_manifest(store, name)
        except (BackupNotFoundError, IntegrityError):
            continue
        if manifest.is_good:
            return manifest
    return None


def _names(store: ObjectStore, project: str) -> Iterator[BackupName]:
    for stored in store.list(f"{FOLDER}/backup_{project}_"):
        parsed = ObjectName.parse(stored.key)
        if parsed is not None and parsed.is_manifest:
            yield parsed.backup


def _is_wanted(name: str, tables: Sequence[str] | None) -> bool:
    return tables is None or name in tables or name.removeprefix(f"{DEFAULT_SCHEMA}.") in tables
