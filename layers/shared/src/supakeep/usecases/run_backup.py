"""Run a backup: name it, create it, and record how it ended."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from supakeep.domain.backup_name import BackupName
from supakeep.domain.manifest import Manifest, Trigger
from supakeep.domain.policy import BackupPolicy
from supakeep.domain.run import Run
from supakeep.domain.summary import BackupSummary
from supakeep.errors import ObjectAlreadyExistsError
from supakeep.ports import ObjectStore, Progress, TimeLimit
from supakeep.system import NoDeadline
from supakeep.usecases.choose_name import choose_name
from supakeep.usecases.create_backup import CreateBackup
from supakeep.usecases.expected_rows import rows_of_last_backup
from supakeep.usecases.leased_store import LeasedObjectStore
from supakeep.usecases.plan_files import FilesOfBackup, plan_files
from supakeep.usecases.project import Project
from supakeep.usecases.run_progress import RunProgress
from supakeep.usecases.track_runs import TrackRuns

log = logging.getLogger(__name__)

# every round has a winner, so this is enough for as many backups that begin at once
_FURTHER_NAMES = 8


@dataclass(frozen=True)
class RunBackup:
    """Carries out backup runs; `watcher` sees their progress."""

    project: Project
    deadline: TimeLimit = NoDeadline()  # noqa: RUF009  (it has no state)
    watcher: Progress | None = None

    def __call__(
        self,
        run: Run,
        *,
        scheduled: bool = False,
        folder: ObjectStore | None = None,
        accept_shrink: Sequence[str] = (),
    ) -> Run:
        """Backs up into `folder` where given, else into the primary store and its copies. The tables
        that match a pattern of `accept_shrink` may have lost any number of rows.

        Returns the run's record; whatever ended the run early is recorded and raised.
        """

        def work(progress: RunProgress) -> BackupSummary:
            name = self._name(progress.run, scheduled=scheduled, folder=folder)
            progress.name_backup(name.text)
            files = plan_files(self.project, progress, self.deadline, folder)
            making = BackupMaking(self.project, progress, folder, accept_shrink, files)
            progress.expect(rows_of_last_backup(self.project, folder))
            trigger = Trigger(run.trigger)
            manifest = making.create(
                name, trigger, self.project.policy, renamed=progress.name_backup
            )
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
    accept_shrink: Sequence[str] = ()
    files: FilesOfBackup | None = None

    def create(
        self,
        name: BackupName,
        trigger: Trigger,
        policy: BackupPolicy,
        *,
        renamed: Callable[[str], object] | None = None,
    ) -> Manifest:
        """Creates the backup `name`, or under the next free name where another backup that began in
        the same second was faster: objects are write-once. Each new name is handed to `renamed`.
        """
        create = self._create(policy)
        for _ in range(_FURTHER_NAMES):
            try:
                return create(name, trigger)
            except ObjectAlreadyExistsError:
                log.info("%s is another backup's by now; this one takes another name", name)
            name = name_backup(self.project, self.folder, scheduled=False)
            if renamed is not None:
                renamed(name.text)
        return create(name, trigger)

    def _create(self, policy: BackupPolicy) -> CreateBackup:
        copies = () if self.folder else self.project.copies
        return CreateBackup(
            source=self.project.database,
            primary=LeasedObjectStore(self.folder or self.project.primary, self.progress),
            copies=[LeasedObjectStore(copy, self.progress) for copy in copies],
            policy=policy,
            project=self.project.ref,
            max_object_bytes=self.project.max_object_bytes,
            clock=self.project.clock,
            deadline=self.progress,
            progress=self.progress,
            run_id=self.progress.run.id,
            accept_shrink=self.accept_shrink,
            keyring=self.project.keyring,
            files=self.files,
        )

    def locations(self, manifest: Manifest) -> list[str]:
        """The names of the stores that hold the backup."""
        if self.folder is not None:
            return [self.folder.name]
        whole = [copy.name for copy in manifest.copies if copy.problem is None]
        return [self.project.primary.name, *whole]


def name_backup(
    project: Project, store: ObjectStore | None = None, *, scheduled: bool
) -> BackupName:
    """A free name for a backup that starts now in `store`, or in the primary store."""
    at = project.clock.now()
    return choose_name(store or project.primary, project.ref, at, scheduled=scheduled)
