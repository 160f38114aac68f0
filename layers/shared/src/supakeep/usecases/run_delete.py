"""Run a deletion: delete a backup while nothing else is at work, and record what went."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from supakeep.domain.backup_name import BackupName
from supakeep.domain.deletion import DeleteReport
from supakeep.domain.run import Run
from supakeep.errors import InvalidRequestError, LeaseHeldError
from supakeep.ports import ObjectStore
from supakeep.usecases.delete_backup import delete_backup
from supakeep.usecases.leased_store import LeasedObjectStore
from supakeep.usecases.project import Project
from supakeep.usecases.run_progress import RunProgress
from supakeep.usecases.track_runs import TrackRuns
from supakeep.usecases.without_prunes import without_prunes


@dataclass(frozen=True)
class RunDelete:
    """Carries out deletions in the project's stores."""

    project: Project

    def __call__(self, run: Run, name: BackupName, stores: Sequence[ObjectStore]) -> Run:
        """Returns the run's record; whatever ended the run early is recorded and raised.

        Raises LeaseHeldError while any run is at work that could need the backup, and else as
        delete_backup does.
        """
        self._require_own(name)

        def work(progress: RunProgress) -> DeleteReport:
            progress.name_backup(name.text)
            progress.phase("deleting")
            with without_prunes(self.project):
                self._require_unused(name)
                leased = [LeasedObjectStore(store, progress) for store in stores]
                return delete_backup(name, leased, self.project.clock.now(), dry_run=False)

        return TrackRuns.of(self.project).execute(run, work)

    def _require_own(self, name: BackupName) -> None:
        if name.project_ref != self.project.ref:
            raise InvalidRequestError(
                f"{name} is a backup of project {name.project_ref}, not of {self.project.ref}",
                operation="delete",
                key=name.text,
                hint="Delete it with that project's settings.",
            )

    def _require_unused(self, name: BackupName) -> None:
        if name.text in TrackRuns.of(self.project).backups_in_use():
            raise LeaseHeldError(
                f"A run is reading {name}",
                operation="delete",
                key=name.text,
                hint="Wait for its end (`supakeep runs`).",
            )
