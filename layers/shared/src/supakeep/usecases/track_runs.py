"""Track runs: from the request through the lease and the heartbeat to an honest end."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from supakeep.domain.actor import Actor
from supakeep.domain.lease import LEASE_SECONDS
from supakeep.domain.manifest import Trigger
from supakeep.domain.run import (
    RUN_RETENTION,
    Run,
    RunKind,
    RunResult,
    RunStatus,
    new_run_id,
    validated_run_id,
)
from supakeep.errors import LeaseHeldError, RunNotFoundError, StorageError
from supakeep.ports import Clock, Deadline, Progress, RunStore
from supakeep.system import NoDeadline, refused_by_machine
from supakeep.usecases.project import Project
from supakeep.usecases.run_lease import lease_end
from supakeep.usecases.run_progress import RunProgress, heartbeat

log = logging.getLogger(__name__)

# whoever watches a run sees it this old at most
_HEARTBEAT_SECONDS = 2
# they hold leases, so whatever reads a backup is among the newest runs
_RECENT_RUNS = 100


@dataclass(frozen=True)
class TrackRuns:
    """The runs in `store`; `watcher` sees their progress as it happens.

    A run at work renews its lease and writes its record every `heartbeat_seconds`.
    """

    store: RunStore
    clock: Clock
    watcher: Progress | None = None
    heartbeat_seconds: float = _HEARTBEAT_SECONDS

    @classmethod
    def of(cls, project: Project, watcher: Progress | None = None) -> Self:
        """The runs of `project`."""
        return cls(project.run_store, project.clock, watcher)

    def accept(
        self,
        kind: RunKind,
        trigger: Trigger,
        *,
        backup: str | None = None,
        requested_by: Actor | None = None,
    ) -> Run:
        """Records a run that will be started by a later invocation, and takes the lease for it, so
        that a second request is refused at once (LeaseHeldError).
        """
        now = self.clock.now()
        run = Run(
            id=new_run_id(now),
            kind=kind,
            trigger=trigger,
            backup=backup,
            requested_at=now,
            requested_by=requested_by,
        )
        self.store.acquire_lease(run.lease, run.id, now, lease_end(now))
        self.store.create(run)
        return run

    def withdraw(self, run: Run, error: Exception) -> bool:
        """Ends an accepted run before it starts, whoever was handed it; False where it has started."""
        withdrawn = run.withdrawn(self.clock.now(), error)
        if not self.store.replace(withdrawn, RunStatus.QUEUED):
            return False
        self.store.release_lease(run.lease, run.id)
        return True

    def get(self, run_id: str) -> Run:
        run = self.store.get(validated_run_id(run_id))
        if run is None:
            raise RunNotFoundError(
                f"No run has the ID {run_id}",
                operation="read run",
                key=run_id,
                hint=f"Runs are kept for {RUN_RETENTION.days} days; `supakeep runs` and GET /api/admin/runs list "
                "the newest.",
            )
        return run.as_seen_at(self.clock.now())

    def list(self, limit: int, before: str | None = None) -> list[Run]:
        """The newest runs, newest first; with `before`, those older than the run of this ID."""
        now = self.clock.now()
        below = None if before is None else validated_run_id(before)
        return [run.as_seen_at(now) for run in self.store.list(limit, below)]

    def backups_in_use(self) -> frozenset[str]:
        """The backups that restores, verifications, copies and drills are reading or will read."""
        return frozenset(
            run.backup
            for run in self.list(_RECENT_RUNS)
            if run.kind in (RunKind.RESTORE, RunKind.VERIFY, RunKind.COPY, RunKind.DRILL)
            and not run.status.is_final
            and run.backup is not None
        )

    def removal_at_work(self) -> Run | None:
        """The prune, deletion or erasure that is at work; one in the queue has not looked for copies yet."""
        removals = (RunKind.PRUNE, RunKind.DELETE, RunKind.ERASE)
        runs = (run for run in self.list(_RECENT_RUNS) if run.kind in removals)
        return next((run for run in runs if run.status is RunStatus.RUNNING), None)

    def is_backing_up(self) -> bool:
        """Whether a backup is at work, or waits for its turn."""
        runs = (run for run in self.list(_RECENT_RUNS) if run.kind is RunKind.BACKUP)
        return any(not run.status.is_final for run in runs)

    def last_backup(self) -> Run | None:
        """The backup run that ended last, as far as the newest runs tell."""
        ended = (run for run in self.list(_RECENT_RUNS) if run.kind is RunKind.BACKUP)
        started = (
            run for run in ended if run.status.is_final and run.status != RunStatus.WITHDRAWN
        )
        return max(started, key=lambda run: run.ended_at, default=None)

    def execute(
        self,
        run: Run,
        work: Callable[[RunProgress], RunResult],
        deadline: Deadline = NoDeadline(),  # noqa: B008  (it has no state)
    ) -> Run:
        """Does a run's work once, under the lease, and records how it ended.

        The same ID delivered twice (events come at least once) gives the record of the first
        delivery back, unless that one failed or died: then this is the next attempt. Whatever
        `work` raises is recorded and raised, an error of the operating system as MachineError. `work`
        is to check its RunProgress between two steps: that is where `deadline`, and a lease that was
        lost, end the run.
        """
        known = self._known(run)
        if _needs_no_work(known, run.invocation):
            log.info("Run %s was delivered again and is %s", known.id, known.status)
            return known
        now = self.clock.now()
        self._take_lease(known, now)
        try:
            started = known.started(now, run.invocation, run.log_group)
            if not self._record_start(known, started):
                log.info("Run %s was withdrawn before it started", run.id)
                return self.get(run.id)
            return self._carry_out(started, work, deadline)
        finally:
            self._give_back_lease(known)

    def _carry_out(
        self, run: Run, work: Callable[[RunProgress], RunResult], deadline: Deadline
    ) -> Run:
        progress = RunProgress(self.store, self.clock, run, deadline, self.watcher)
        try:
            with heartbeat(progress, self.heartbeat_seconds):
                result = work(progress)
        except OSError as exc:
            refused = refused_by_machine(exc)
            self._record_failure(progress.run.failed(self.clock.now(), refused))
            raise refused from exc
        except BaseException as exc:
            self._record_failure(progress.run.failed(self.clock.now(), exc))
            raise
        ended = progress.run.ended(self.clock.now(), result)
        self._record_end(ended)
        return ended

    def _record_failure(self, run: Run) -> None:
        """What ended the run matters more than that it could not be recorded."""
        try:
            self.store.save(run)
        except StorageError:
            log.exception("The failure of the run could not be recorded. %s", _end_of(run))

    def _record_end(self, run: Run) -> None:
        """Raises StorageError with what the run has done, which no record says then."""
        try:
            self.store.save(run.as_recorded())
        except StorageError as exc:
            exc.hint = f"{_end_of(run)} Only its record is missing. {exc.hint or ''}".strip()
            raise

    def _give_back_lease(self, run: Run) -> None:
        """One that cannot be given back lapses by itself; that undoes nothing of what the run did."""
        try:
            self.store.release_lease(run.lease, run.id)
        except StorageError:
            log.warning(
                "Run %s could not give its lease back, which lapses in %d seconds",
                run.id,
                LEASE_SECONDS,
                exc_info=True,
            )

    def _record_start(self, run: Run, started: Run) -> bool:
        """False where the run was withdrawn meanwhile."""
        if run.status is RunStatus.QUEUED:
            return self.store.replace(started, RunStatus.QUEUED)
        self.store.save(started)
        return True

    def _take_lease(self, run: Run, now: dt.datetime) -> None:
        try:
            self.store.acquire_lease(run.lease, run.id, now, lease_end(now))
        except LeaseHeldError as exc:
            self.store.save(run.failed(now, exc))
            raise

    def _known(self, run: Run) -> Run:
        """The record under this ID as it stands, after storing `run` where there is none."""
        if self.store.create(run):
            return run
        stored = self.store.get(run.id)
        return run if stored is None else stored.as_seen_at(self.clock.now())


def _end_of(run: Run) -> str:
    """How a run ended and which tables it was at, as a sentence."""
    tables = f", at {', '.join(run.tables)}" if run.tables else ""
    return f"Run {run.id} itself ended {run.status}{tables}."


def _needs_no_work(run: Run, invocation: str | None) -> bool:
    """Whether a run that is delivered with this invocation has ended, or is at work elsewhere."""
    if run.status is RunStatus.RUNNING:
        # Lambda delivers an event anew only when its last invocation has ended, however it did
        return invocation is None or run.invocation != invocation
    return run.status.is_final and run.status is not RunStatus.FAILED
