"""Run a backup: name it, create it, and record how it ended."""

from __future__ import annotations

from dataclasses import dataclass

from supakeep.domain.backup_name import BackupName
from supakeep.domain.manifest import Manifest, Trigger
from supakeep.domain.policy import BackupPolicy
from supakeep.domain.run import Run
from supakeep.domain.summary import BackupSummary
from supakeep.ports import Deadline, ObjectStore, Progress
from supakeep.system import NoDeadline
from supakeep.usecases.create_backup import CreateBackup, choose_name
from supakeep.usecases.project import Project
from supakeep.usecases.run_progress import RunProgress
from supakeep.usecases.track_runs import TrackRuns


@dataclass(frozen=True)
class RunBackup:
    """Carries out backup runs; `watcher` sees their progress."""

    project: Project
    deadline: Deadline = NoDeadline()  # noqa: RUF009  (it has no state)
    watcher: Progress | None = None

    def __call__(
        self, run: Run, *, scheduled: bool = False, folder: ObjectStore | None = None
    ) -> Run:
        """Backs up into `folder` where given, else into the primary store and the mirror.

        Returns the run's record; whatever ended the run early is recorded and raised.
        """

        def work(progress: RunProgress) -> BackupSummary:
            name = self._name(progress.run, scheduled=scheduled, folder=folder)
            progress.name_backup(name.text)
            making = BackupMaking(self.project, progress, folder)
            manifest = making.create(name, Trigger(run.trigger), self.project.policy)
            return BackupSummary.of(manifest, making.locations(manifest))

        return TrackRuns.of(self.project, self.watcher).execute(run, work, self.deadline)

    def _name(self, run: Run, *, scheduled: bool, folder: ObjectStore | None) -> BackupName:
        # a name belongs to one attempt: the last one's volumes may lie under it
        if run.backup and run.attempt == 1:
            return BackupName.parse(run.backup)
        return name_backup(self.project, folder, scheduled=scheduled)


@dataclass(frozen=True)
class BackupMaking:
    """Creates backups within a run: into `folder` where given, else into the project's stores."""

    project: Project
    progress: RunProgress
    folder: ObjectStore | None

    def create(self, name: BackupName, trigger: Trigger, policy: BackupPolicy) -> Manifest:
        create = CreateBackup(
            source=self.project.database,
            primary=self.folder or self.project.primary,
            mirror=None if self.folder else self.project.mirror,
            policy=policy,
            project=self.project.ref,
            max_object_bytes=self.project.max_object_bytes,
            clock=self.project.clock,
            deadline=self.progress,
            progress=self.progress,
            run_id=self.progress.run.id,
        )
        return create(name, trigger)

    def locations(self, manifest: Manifest) -> list[str]:
        """The names of the stores that hold the backup."""
        if self.folder is not None:
            return [self.folder.name]
        mirror = None if manifest.mirror_error else self.project.mirror
        return [self.project.primary.name, *([mirror.name] if mirror else [])]


def name_backup(
    project: Project, store: ObjectStore | None = None, *, scheduled: bool
) -> BackupName:
    """A free name for a backup that starts now in `store`, or in the primary store."""
    at = project.clock.now()
    return choose_name(store or project.primary, project.ref, at, scheduled=scheduled)
