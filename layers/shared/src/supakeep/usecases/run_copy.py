"""Run a copy: give the project's stores what they lack of backups, and record what was done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from supakeep.domain.backup_name import BackupName
from supakeep.domain.copy_report import CopyReport
from supakeep.domain.lease import lease_held
from supakeep.domain.run import Run
from supakeep.ports import Deadline, ObjectStore, Transfers
from supakeep.system import NoDeadline
from supakeep.usecases.choose_stores import every_store, stores_named
from supakeep.usecases.copy_backup import CopyBackup
from supakeep.usecases.copy_backups import CopyBackups
from supakeep.usecases.copy_stored_files import CopyStoredFiles
from supakeep.usecases.leased_store import LeasedObjectStore
from supakeep.usecases.plan_files import holders_of_files
from supakeep.usecases.project import Project
from supakeep.usecases.run_progress import RunProgress
from supakeep.usecases.track_runs import TrackRuns


def copying(
    project: Project,
    stores: Sequence[ObjectStore],
    deadline: Deadline,
    transfers: Transfers,
    *,
    deep: bool = False,
) -> CopyBackup:
    """Copies between these stores of the project, files included."""
    holders = holders_of_files(project)
    files = CopyStoredFiles(tuple(stores), deadline, transfers, holders, deep)
    return CopyBackup(stores, deadline, transfers, files)


@dataclass(frozen=True)
class RunCopy:
    """Carries out copy runs over the project's stores; `transfers` see each object on its way. With `deep`,
    every file of Storage is read, too.

    Two copies are kept apart by their lease. A copy and a prune or deletion look for each other: these spare
    the backup that a copy at work names, and it begins with none while one of them is at work.
    """

    project: Project
    deadline: Deadline = NoDeadline()  # noqa: RUF009  (it has no state)
    transfers: Transfers | None = None
    deep: bool = False

    def __call__(self, run: Run, name: str | None, to: str | None = None) -> Run:
        """Makes the backup `name`, or with None each that is kept, whole in each store, or in the one
        named `to`.

        Returns the run's record; whatever ended the run early is recorded and raised.
        """

        def work(progress: RunProgress) -> CopyReport:
            stores = {s.name: LeasedObjectStore(s, progress) for s in every_store(self.project)}
            targets = [stores[store.name] for store in stores_named(self.project, to)]
            transfers = self.transfers or _Phases(progress)
            copies = CopyBackups(
                copying(self.project, [*stores.values()], progress, transfers, deep=self.deep),
                self.project.policy,
                self.project.ref,
                begin=lambda backup: self._begin(progress, backup),
            )
            progress.phase("copying")
            if name is None:
                return copies.all(targets, self.project.clock.now(), dry_run=False)
            return copies.one(BackupName.parse(name), targets, dry_run=False)

        return TrackRuns.of(self.project).execute(run, work, self.deadline)

    def _begin(self, progress: RunProgress, backup: BackupName) -> None:
        """Names the backup first and looks for a removal then, so that one of the two sees the other."""
        progress.name_backup(backup.text)
        removal = TrackRuns.of(self.project).removal_at_work()
        if removal is not None:
            raise lease_held(removal.id)


@dataclass(frozen=True)
class _Phases:
    """Shows in a run's record, which counts rows and no bytes, which object is on its way."""

    progress: RunProgress

    def expect(self, sizes: Mapping[str, int]) -> None:
        """The record has no place for it."""

    def moved(self, key: str, size_bytes: int, status: str) -> None:  # noqa: ARG002 (the port's)
        if status == "complete":
            self.progress.phase(f"copied {key}")
