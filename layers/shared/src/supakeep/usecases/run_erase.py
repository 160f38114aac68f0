"""Run an erasure: while no prune is at work, over every store, and record what went."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from supakeep.archive.encryption import Identities
from supakeep.domain.erasure import EraseReport, Erasure
from supakeep.domain.run import Run
from supakeep.ports import Deadline, Lease, ObjectStore, Progress
from supakeep.system import NoDeadline, NoLease
from supakeep.usecases.erase_rows import EraseRows
from supakeep.usecases.project import Project
from supakeep.usecases.run_progress import RunProgress
from supakeep.usecases.track_runs import TrackRuns


@dataclass(frozen=True)
class RunErase:
    """Carries out erasures in the project's stores."""

    project: Project
    identities: Callable[[], Identities]
    watcher: Progress

    def __call__(self, run: Run, erasure: Erasure, stores: Sequence[ObjectStore]) -> Run:
        """Returns the run's record; whatever ended the run early is recorded and raised.

        Raises LeaseHeldError while a prune is at work.
        """

        def work(progress: RunProgress) -> EraseReport:
            return self._erase(progress, progress, progress)(erasure, stores, dry_run=False)

        return TrackRuns.of(self.project, watcher=self.watcher).execute(run, work)

    def report(
        self, erasure: Erasure, stores: Sequence[ObjectStore], *, dry_run: bool
    ) -> EraseReport:
        """Erases without a record, as is enough for a dry run, and for a place that has no runs."""
        erase = self._erase(NoDeadline(), self.watcher, NoLease())
        return erase(erasure, stores, dry_run=dry_run)

    def _erase(self, deadline: Deadline, progress: Progress, lease: Lease) -> EraseRows:
        runs = TrackRuns.of(self.project)
        return EraseRows(
            project=self.project.ref,
            keyring=self.project.keyring,
            identities=self.identities,
            max_object_bytes=self.project.max_object_bytes,
            clock=self.project.clock,
            deadline=deadline,
            progress=progress,
            in_use=runs.backups_in_use,
            is_backing_up=runs.is_backing_up,
            lease=lease,
        )
