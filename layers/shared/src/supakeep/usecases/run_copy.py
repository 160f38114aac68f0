"""Run a copy: give the project's stores what they lack of a backup, and record what was done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from supakeep.domain.backup_name import BackupName
from supakeep.domain.copy_report import CopyReport
from supakeep.domain.run import Run
from supakeep.ports import Deadline
from supakeep.system import NoDeadline
from supakeep.usecases.choose_stores import every_store, stores_named
from supakeep.usecases.copy_backup import CopyBackup
from supakeep.usecases.copy_backups import CopyBackups
from supakeep.usecases.project import Project
from supakeep.usecases.run_progress import RunProgress
from supakeep.usecases.track_runs import TrackRuns


@dataclass(frozen=True)
class RunCopy:
    """Carries out copy runs over the project's stores."""

    project: Project
    deadline: Deadline = NoDeadline()  # noqa: RUF009  (it has no state)

    def __call__(self, run: Run, name: str, to: str | None = None) -> Run:
        """Makes the backup `name` whole in each store, or in the one named `to`.

        Returns the run's record; whatever ended the run early is recorded and raised.
        """

        def work(progress: RunProgress) -> CopyReport:
            backup = BackupName.parse(name)
            progress.name_backup(backup.text)
            progress.phase("copying")
            copy = CopyBackup(every_store(self.project), progress, _Phases(progress))
            copies = CopyBackups(copy, self.project.policy, self.project.ref)
            return copies.one(backup, stores_named(self.project, to), dry_run=False)

        return TrackRuns.of(self.project).execute(run, work, self.deadline)


@dataclass(frozen=True)
class _Phases:
    """Shows in a run's record, which counts rows and no bytes, which object is on its way."""

    progress: RunProgress

    def expect(self, sizes: Mapping[str, int]) -> None:
        """The record has no place for it."""

    def moved(self, key: str, size_bytes: int, status: str) -> None:  # noqa: ARG002 (the port's)
        if status == "complete":
            self.progress.phase(f"copied {key}")
