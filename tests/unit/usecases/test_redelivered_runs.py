"""Events that Lambda delivers again, and run stores that do not answer for a while."""

from __future__ import annotations

import datetime as dt

import pytest

from supakeep.domain.lease import LEASE_SECONDS
from supakeep.domain.prune import PruneReport
from supakeep.domain.run import Run, RunStatus
from supakeep.errors import LeaseHeldError, StorageUnavailableError
from supakeep.runs.in_memory import InMemoryRunStore
from supakeep.usecases.run_progress import RunProgress
from supakeep.usecases.track_runs import TrackRuns
from tests.fakes.time import NOON, FixedClock
from tests.unit.usecases.running import DONE, a_run, crash, done, lease_is_free, recorded


def delivered(invocation: str | None) -> Run:
    return a_run().model_copy(update={"invocation": invocation})


def record_as_running(store: InMemoryRunStore, invocation: str | None) -> Run:
    """As a function that was killed leaves it: at work, with its lease."""
    run = a_run().started(NOON, invocation)
    store.create(run)
    store.acquire_lease(run.lease, run.id, NOON, NOON + dt.timedelta(seconds=LEASE_SECONDS))
    return run


def test_the_same_invocation_of_a_run_at_work_is_its_next_attempt(
    runs: TrackRuns, run_store: InMemoryRunStore, clock: FixedClock
) -> None:
    """Lambda delivers an event again only when its invocation is over: that one was killed."""
    record_as_running(run_store, "one")
    clock.advance(seconds=60)

    run = runs.execute(delivered("one"), done)

    assert (run.status, run.attempt, run.invocation) == (RunStatus.COMPLETE, 2, "one")
    assert recorded(runs, run) == run
    assert lease_is_free(run_store, clock.now())


@pytest.mark.parametrize(("first", "second"), [("one", "two"), ("one", None), (None, None)])
def test_another_invocation_of_a_run_at_work_is_a_duplicate(
    runs: TrackRuns, run_store: InMemoryRunStore, first: str | None, second: str | None
) -> None:
    at_work = record_as_running(run_store, first)

    assert runs.execute(delivered(second), crash) == at_work

    assert recorded(runs, at_work) == at_work
    assert not lease_is_free(run_store, NOON)


def test_the_record_names_the_invocation_that_is_at_work(runs: TrackRuns) -> None:
    def look(progress: RunProgress) -> PruneReport:
        assert recorded(runs, progress.run).invocation == "one"
        return DONE

    runs.execute(delivered("one"), look)


def test_the_same_invocation_of_a_run_that_has_ended_does_nothing(runs: TrackRuns) -> None:
    ended = runs.execute(delivered("one"), done)

    assert runs.execute(delivered("one"), crash) == ended


class IntermittentRunStore(InMemoryRunStore):
    """Fails every write that it names while `failing` does."""

    failing: str | None = None

    def save(self, run: Run) -> None:
        self._check("save")
        super().save(run)

    def renew_lease(self, lease: str, run_id: str, expires_at: dt.datetime) -> None:
        self._check("renew_lease")
        super().renew_lease(lease, run_id, expires_at)

    def _check(self, operation: str) -> None:
        if self.failing == operation:
            raise StorageUnavailableError("The table did not answer", operation=operation)


@pytest.mark.parametrize("operation", ["save", "renew_lease"])
def test_progress_that_cannot_be_recorded_ends_no_run(clock: FixedClock, operation: str) -> None:
    store = IntermittentRunStore()
    runs = TrackRuns(store, clock)

    def work(progress: RunProgress) -> PruneReport:
        store.failing = operation
        for rows in (1, 2, 3):
            clock.advance(seconds=30)
            progress.table("public.orders", rows, "running")
            progress.beat()
            progress.check()
        store.failing = None
        return DONE

    run = runs.execute(a_run(), work)

    assert run.status is RunStatus.COMPLETE
    assert recorded(runs, run).tables["public.orders"].rows == 3


def test_progress_is_recorded_again_when_the_store_answers_again(clock: FixedClock) -> None:
    store = IntermittentRunStore()
    runs = TrackRuns(store, clock)

    def work(progress: RunProgress) -> PruneReport:
        store.failing = "save"
        clock.advance(seconds=30)
        progress.beat()
        store.failing = None
        clock.advance(seconds=30)
        progress.beat()
        assert recorded(runs, progress.run).heartbeat_at == clock.now()
        return DONE

    runs.execute(a_run(), work)


def test_a_lease_that_another_run_has_ends_the_run(clock: FixedClock) -> None:
    store = IntermittentRunStore()
    runs = TrackRuns(store, clock)

    def work(progress: RunProgress) -> PruneReport:
        store.release_lease("database", progress.run.id)
        store.acquire_lease("database", "another", clock.now(), NOON + dt.timedelta(hours=1))
        clock.advance(seconds=30)
        progress.beat()
        progress.check()
        return DONE

    with pytest.raises(LeaseHeldError):
        runs.execute(a_run(), work)

    assert recorded(runs, a_run()).status is RunStatus.FAILED
