"""Run a drill: find the backup, restore it where it does no harm, and record what that proves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from supakeep.archive.encryption import Identities
from supakeep.domain.assertions import Assertion
from supakeep.domain.drill import DrillReport
from supakeep.domain.run import Run
from supakeep.ports import ObjectStore, Progress, ScratchServer, TimeLimit
from supakeep.system import NoDeadline
from supakeep.usecases.choose_stores import every_store
from supakeep.usecases.drill_backup import DrillBackup
from supakeep.usecases.find_drilled import find_drilled
from supakeep.usecases.plan_drill import PlanDrill
from supakeep.usecases.project import Project
from supakeep.usecases.record_drill import RecordDrill
from supakeep.usecases.recorded_drill import recorded_drill
from supakeep.usecases.run_progress import RunProgress
from supakeep.usecases.track_runs import TrackRuns


@dataclass(frozen=True)
class RunDrill:
    """Carries out drills of the project's backups on `server`; `watcher` sees their progress."""

    project: Project
    server: ScratchServer
    assertions: Sequence[Assertion] = ()
    deadline: TimeLimit = NoDeadline()  # noqa: RUF009  (it has no state)
    watcher: Progress | None = None

    def __call__(
        self,
        run: Run,
        name: str,
        *,
        stores: Sequence[ObjectStore] | None = None,
        identities: Callable[[], Identities] | None = None,
    ) -> Run:
        """Drills the backup `name`, `latest`, or a `random` good one. Without `stores`, every copy of
        the project is looked at. The drill is recorded in the ledger of every store of the project.

        Returns the run's record: a drill whose backup does not restore has failed, and its report says
        at which rung. Raises what says nothing about the backup, such as that it does not exist, or that no time is
        left: the ledger and the run's record then say how far the drill came.
        """

        def work(progress: RunProgress) -> DrillReport:
            copies = stores or every_store(self.project)
            now = self.project.clock.now()
            reader = find_drilled(copies, name, self.project.ref, now=now)
            reader.decoder.unlock(identities or self.project.identities)
            progress.name_backup(reader.manifest.backup)
            progress.expect({entry.name: entry.rows for entry in reader.manifest.tables})
            clock = self.project.clock
            kept_in = every_store(self.project)
            plan = PlanDrill(kept_in, reader.manifest.project, self.server, clock, self.deadline)
            drill = DrillBackup(self.server, self.assertions, clock, progress, progress, plan)
            record = RecordDrill(kept_in, self.project.keyring, clock)
            return recorded_drill(drill, record, reader, run.id, progress.keep)

        return TrackRuns.of(self.project, self.watcher).execute(run, work, self.deadline)
