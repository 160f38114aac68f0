from __future__ import annotations

import datetime as dt

import pytest

from supakeep.domain.lease import LEASE_SECONDS
from supakeep.domain.manifest import Trigger
from supakeep.domain.prune import PruneReport
from supakeep.domain.run import RunKind, RunStatus
from supakeep.errors import (
    InvalidRequestError,
    LeaseHeldError,
    RunNotFoundError,
    StorageUnavailableError,
)
from supakeep.runs.in_memory import InMemoryRunStore
from supakeep.usecases.run_progress import RunProgress
from supakeep.usecases.track_runs import TrackRuns
from tests.fakes.time import FixedClock
from tests.unit.usecases.running import DONE, a_run, crash, done, lease_is_free, recorded

NOT_STARTED = StorageUnavailableError("not started", operation="dispatch")


def test_an_accepted_run_waits_with_its_lease_and_is_carried_out_under_its_id(
    runs: TrackRuns, run_store: InMemoryRunStore, clock: FixedClock
) -> None:
    accepted = runs.accept(RunKind.BACKUP, Trigger.API, backup="backup_jewelshot_2026-11-22")

    assert recorded(runs, accepted).status is RunStatus.QUEUED
    assert not lease_is_free(run_store, clock.now())
    with pytest.raises(LeaseHeldError):
        runs.accept(RunKind.RESTORE, Trigger.API)

    run = runs.execute(accepted, done)
    assert (run.id, run.status, run.attempt) == (accepted.id, RunStatus.COMPLETE, 1)


def test_a_refused_request_leaves_no_record(runs: TrackRuns) -> None:
    accepted = runs.accept(RunKind.BACKUP, Trigger.API)

    with pytest.raises(LeaseHeldError):
        runs.accept(RunKind.BACKUP, Trigger.API)

    assert [run.id for run in runs.list(10)] == [accepted.id]


def test_an_accepted_run_that_is_withdrawn_does_not_start_whoever_delivers_it(
    runs: TrackRuns, run_store: InMemoryRunStore, clock: FixedClock
) -> None:
    accepted = runs.accept(RunKind.BACKUP, Trigger.API)

    assert runs.withdraw(accepted, NOT_STARTED)

    assert recorded(runs, accepted).status is RunStatus.WITHDRAWN
    assert lease_is_free(run_store, clock.now())
    assert runs.execute(accepted, crash) == recorded(runs, accepted)
    assert recorded(runs, accepted).status is RunStatus.WITHDRAWN
    assert lease_is_free(run_store, clock.now())


def test_a_run_that_has_started_is_not_withdrawn(
    runs: TrackRuns, run_store: InMemoryRunStore, clock: FixedClock
) -> None:
    accepted = runs.accept(RunKind.BACKUP, Trigger.API)

    def while_at_work(_: RunProgress) -> PruneReport:
        assert not runs.withdraw(accepted, NOT_STARTED)
        assert not lease_is_free(run_store, clock.now())
        return DONE

    assert runs.execute(accepted, while_at_work).status is RunStatus.COMPLETE


class WithdrawnMeanwhile(InMemoryRunStore):
    """Another function withdraws the run after it was read, and before it is started."""

    def acquire_lease(
        self, lease: str, run_id: str, now: dt.datetime, expires_at: dt.datetime
    ) -> None:
        super().acquire_lease(lease, run_id, now, expires_at)
        run = self.get(run_id)
        if run is not None:
            self.save(run.withdrawn(now, NOT_STARTED))


def test_a_run_that_is_withdrawn_in_the_moment_of_its_start_does_not_start(
    clock: FixedClock,
) -> None:
    store = WithdrawnMeanwhile()
    runs = TrackRuns(store, clock)
    accepted = runs.accept(RunKind.BACKUP, Trigger.API)

    assert runs.execute(accepted, crash).status is RunStatus.WITHDRAWN
    assert lease_is_free(store, clock.now())


def test_backups_that_restores_read_or_will_read_are_in_use(runs: TrackRuns) -> None:
    def while_at_work(progress: RunProgress) -> PruneReport:
        progress.name_backup("backup_jewelshot_2026-11-20")
        assert runs.backups_in_use() == {"backup_jewelshot_2026-11-20"}
        return DONE

    runs.execute(a_run(kind=RunKind.RESTORE), while_at_work)
    assert runs.backups_in_use() == frozenset()

    runs.accept(RunKind.RESTORE, Trigger.API, backup="backup_jewelshot_2026-11-21")
    assert runs.backups_in_use() == {"backup_jewelshot_2026-11-21"}


def test_an_unknown_run_and_a_malformed_id_are_told_apart(runs: TrackRuns) -> None:
    with pytest.raises(RunNotFoundError, match="No run has the ID 20261122T120000Z-none"):
        runs.get("20261122T120000Z-none")
    with pytest.raises(InvalidRequestError, match="is not a run ID"):
        runs.get("../../leases")


def test_runs_are_listed_newest_first(runs: TrackRuns, clock: FixedClock) -> None:
    ids = []
    for _ in range(3):
        ids.append(runs.accept(RunKind.PRUNE, Trigger.API).id)
        clock.advance(seconds=LEASE_SECONDS + 1)

    assert [run.id for run in runs.list(2)] == [ids[2], ids[1]]
