"""How many rows a run's tables will probably have, so that its time left can be computed."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from supakeep.domain.manifest import Manifest
from supakeep.domain.plan import backs_up
from supakeep.domain.policy import BackupPolicy
from supakeep.domain.restore import RestoreRequest
from supakeep.domain.restore_choice import choose_tables
from supakeep.errors import StorageError
from supakeep.ports import ObjectStore
from supakeep.usecases.newest_good import newest_good
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
        last = newest_good(
            folder or project.primary,
            project.ref,
            now=project.clock.now(),
            most_reads=_MOST_READS,
        )
    except StorageError:
        log.warning("The last backup's rows could not be read", exc_info=True)
        last = None
    if last is None:
        return {}
    return {
        entry.name: entry.rows
        for entry in last.tables
        if backs_up(project.policy, project.engine, entry.table.schema_name, entry.table.name)
    }


def rows_to_restore(
    manifest: Manifest, request: RestoreRequest, policy: BackupPolicy
) -> Mapping[str, int]:
    """The rows of the tables that a restore will write; none where rows are chosen by value."""
    if request.where is not None or request.some_users:
        return {}
    entries = choose_tables(manifest, request, policy).entries
    return {entry.name: entry.rows for entry in entries}
