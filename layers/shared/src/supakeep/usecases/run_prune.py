"""Run a prune, and record how it ended."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from supakeep.domain.copies import PRIMARY
from supakeep.domain.prune import PruneReport
from supakeep.domain.run import Run
from supakeep.ports import Deadline, ObjectStore
from supakeep.system import NoDeadline
from supakeep.usecases.choose_stores import every_store
from supakeep.usecases.leased_store import LeasedObjectStore
from supakeep.usecases.project import Project
from supakeep.usecases.prune_backups import PruneBackups
from supakeep.usecases.run_progress import RunProgress
from supakeep.usecases.track_runs import TrackRuns


@dataclass(frozen=True)
class RunPrune:
    """Carries out prune runs over the project's stores."""

    project: Project
    deadline: Deadline = NoDeadline()  # noqa: RUF009  (it has no state)

    def __call__(
        self, run: Run, *, dry_run: bool, stores: Sequence[ObjectStore] | None = None
    ) -> Run:
        """Returns the run's record; whatever ended the run early is recorded and raised."""

        def work(progress: RunProgress) -> PruneReport:
            places = stores or every_store(self.project)
            leased = [LeasedObjectStore(store, progress) for store in places]
            return replace(self, deadline=progress).report(dry_run=dry_run, stores=leased)

        return TrackRuns.of(self.project).execute(run, work, self.deadline)

    def report(self, *, dry_run: bool, stores: Sequence[ObjectStore] | None = None) -> PruneReport:
        """Prunes without a record, as is enough for a dry run."""
        runs = TrackRuns.of(self.project)
        prune = PruneBackups(
            policy=self.project.policy.retention,
            own=self.project.policy.own_retention,
            project=self.project.ref,
            clock=self.project.clock,
            deadline=self.deadline,
            in_use=runs.backups_in_use(),
            is_backing_up=_is_backing_up(runs),
        )
        places = stores or every_store(self.project)
        if any(store.name == PRIMARY for store in places):
            # a run is about the project's own stores, and not about a folder
            prune = replace(prune, last_run=runs.last_backup())
        return prune(places, dry_run=dry_run, beside=self._beside(places))

    def _beside(self, places: Sequence[ObjectStore]) -> list[ObjectStore]:
        """The project's other stores, where some of its own are pruned."""
        names = {store.name for store in places}
        own = {PRIMARY, *(copy.name for copy in self.project.copies)}
        if names.isdisjoint(own) or not self.project.has_storage:
            return []
        return [store for store in every_store(self.project) if store.name not in names]


def _is_backing_up(runs: TrackRuns) -> Callable[[], bool]:
    """Asks whether a backup is at work, or has been since now: by the runs' records alone."""
    before = runs.last_backup()
    return lambda: runs.is_backing_up() or runs.last_backup() != before
