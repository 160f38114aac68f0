from __future__ import annotations

import datetime as dt
import errno
import threading
from typing import Any

import pytest

from supakeep.domain.lease import LEASE_SECONDS
from supakeep.domain.prune import PruneReport
from supakeep.domain.run import RunKind, RunStatus
from supakeep.errors import (
    DeadlineExceededError,
    LeaseHeldError,
    MachineError,
    StorageUnavailableError,
)
from supakeep.runs.in_memory import InMemoryRunStore
from supakeep.usecases.run_progress import RunProgress
from supakeep.usecases.track_runs import TrackRuns
from tests.fakes.runs import InMemoryProgress
from tests.fakes.time import NOON, ExpiringDeadline, FixedClock
from tests.unit.usecases.running import (
    DONE,
    a_run,
    crash,
    done,
    lease_is_free,
    recorded,
    wait_until,
)

BESIDE_THE_DATABASE = {RunKind.PRUNE, RunKind.VERIFY, RunKind.COPY, RunKind.DRILL}


def test_a_run_is_carried_out_and_its_end_recorded(
    runs: TrackRuns, run_store: InMemoryRunStore, clock: FixedClock
) -> None:
    run = runs.execute(a_run(), done)

    assert (run.status, run.attempt, run.result) == (RunStatus.COMPLETE, 1, DONE)
    assert recorded(runs, run) == run
    assert lease_is_free(run_store, clock.now())


def test_while_a_run_works_it_is_running_and_holds_the_lease(
    runs: TrackRuns, run_store: InMemoryRunStore, clock: FixedClock
) -> None:
    def look(progress: RunProgress) -> PruneReport:
        assert recorded(runs, progress.run).status is RunStatus.RUNNING
        assert not lease_is_free(run_store, clock.now())
        return DONE

    runs.execute(a_run(), look)


def test_a_second_delivery_of_an_ended_run_gives_the_first_ones_record(runs: TrackRuns) -> None:
    first = runs.execute(a_run(), done)

    assert runs.execute(a_run(), crash) == first
    assert recorded(runs, first).attempt == 1


def test_a_second_delivery_of_a_run_at_work_does_nothing(runs: TrackRuns) -> None:
    def deliver_again(progress: RunProgress) -> PruneReport:
        again = runs.execute(a_run(), crash)
        assert (again.status, again.attempt) == (RunStatus.RUNNING, 1)
        return DONE

    assert runs.execute(a_run(), deliver_again).status is RunStatus.COMPLETE


def test_a_failure_is_recorded_and_raised(
    runs: TrackRuns, run_store: InMemoryRunStore, clock: FixedClock
) -> None:
    with pytest.raises(StorageUnavailableError):
        runs.execute(a_run(), crash)

    run = recorded(runs, a_run())
    assert run.status is RunStatus.FAILED
    assert run.error is not None
    assert run.error.model_dump() == {"message": "It did not answer", "hint": "Try again"}
    assert run.finished_at == NOON
    assert lease_is_free(run_store, clock.now())


@pytest.mark.parametrize("end", [KeyboardInterrupt, SystemExit])
def test_a_run_that_is_ended_from_outside_is_recorded_as_interrupted(
    runs: TrackRuns,
    run_store: InMemoryRunStore,
    clock: FixedClock,
    end: type[BaseException],
) -> None:
    def interrupted(_: RunProgress) -> PruneReport:
        raise end

    with pytest.raises(end):
        runs.execute(a_run(), interrupted)

    run = recorded(runs, a_run())
    assert run.status is RunStatus.FAILED
    assert run.error is not None
    assert run.error.message == "The run was interrupted before its end"
    assert lease_is_free(run_store, clock.now())


def test_a_failed_run_that_is_delivered_again_is_the_next_attempt(runs: TrackRuns) -> None:
    with pytest.raises(StorageUnavailableError):
        runs.execute(a_run(), crash)

    run = runs.execute(a_run(), done)

    assert (run.status, run.attempt, run.error) == (RunStatus.COMPLETE, 2, None)


def test_another_run_is_refused_while_the_lease_is_held_and_recorded_as_failed(
    runs: TrackRuns,
) -> None:
    def while_at_work(progress: RunProgress) -> PruneReport:
        with pytest.raises(LeaseHeldError, match=f"Run {progress.run.id} is at work"):
            runs.execute(a_run("other"), done)
        return DONE

    assert runs.execute(a_run(), while_at_work).status is RunStatus.COMPLETE

    other = recorded(runs, a_run("other"))
    assert other.status is RunStatus.FAILED
    assert other.error is not None
    assert other.error.message == f"Run {a_run().id} is at work on this project"


@pytest.mark.parametrize("first", RunKind)
@pytest.mark.parametrize("second", RunKind)
def test_only_backups_and_restores_wait_for_each_other_and_nothing_runs_beside_its_own_kind(
    runs: TrackRuns, first: RunKind, second: RunKind
) -> None:
    def while_at_work(_: RunProgress) -> PruneReport:
        runs.execute(a_run("second", second), done)
        return DONE

    # an erasure removes objects, as a prune does
    leases = {RunKind.PRUNE if kind is RunKind.ERASE else kind for kind in (first, second)}
    if len(leases) > 1 and leases & BESIDE_THE_DATABASE:
        assert runs.execute(a_run("first", first), while_at_work).status is RunStatus.COMPLETE
    else:
        with pytest.raises(LeaseHeldError):
            runs.execute(a_run("first", first), while_at_work)


def test_the_lease_of_a_run_that_died_is_taken_over_when_it_has_expired(
    runs: TrackRuns, run_store: InMemoryRunStore, clock: FixedClock
) -> None:
    died = a_run("died").started(NOON)
    run_store.create(died)
    run_store.acquire_lease("database", died.id, NOON, NOON + dt.timedelta(seconds=LEASE_SECONDS))

    clock.advance(seconds=LEASE_SECONDS - 1)
    with pytest.raises(LeaseHeldError):
        runs.execute(a_run("early"), done)

    clock.advance(seconds=2)
    assert recorded(runs, died).status is RunStatus.FAILED
    assert runs.execute(a_run("later"), done).status is RunStatus.COMPLETE


def test_a_run_that_died_is_tried_again_when_it_is_delivered_again(
    runs: TrackRuns, run_store: InMemoryRunStore, clock: FixedClock
) -> None:
    died = a_run().started(NOON)
    run_store.create(died)
    clock.advance(seconds=LEASE_SECONDS + 1)

    run = runs.execute(a_run(), done)

    assert (run.status, run.attempt) == (RunStatus.COMPLETE, 2)


def test_each_heartbeat_renews_the_lease_and_writes_the_record(
    runs: TrackRuns, run_store: InMemoryRunStore, clock: FixedClock
) -> None:
    def long_work(progress: RunProgress) -> PruneReport:
        for rows in range(10):
            clock.advance(seconds=LEASE_SECONDS - 1)
            progress.table("public.orders", rows, "running")
            progress.beat()
            assert not lease_is_free(run_store, clock.now())
            seen = recorded(runs, progress.run)
            assert seen.status is RunStatus.RUNNING
            assert seen.tables["public.orders"].rows == rows
            assert seen.heartbeat_at == clock.now()
        return DONE

    assert runs.execute(a_run(), long_work).tables["public.orders"].rows == 9


def test_a_long_step_without_progress_keeps_the_lease_and_the_run_alive(
    run_store: InMemoryRunStore, clock: FixedClock
) -> None:
    """As checksums, foreign keys and counts of large tables are."""
    runs = TrackRuns(run_store, clock, heartbeat_seconds=0.001)

    def silent_work(progress: RunProgress) -> PruneReport:
        for _ in range(3):
            clock.advance(seconds=LEASE_SECONDS - 1)
            wait_until(lambda: recorded(runs, progress.run).heartbeat_at == clock.now())
            assert recorded(runs, progress.run).status is RunStatus.RUNNING
            assert not lease_is_free(run_store, clock.now())
        return DONE

    assert runs.execute(a_run(), silent_work).status is RunStatus.COMPLETE


def test_no_heartbeat_is_left_behind_when_a_run_has_ended(
    run_store: InMemoryRunStore, clock: FixedClock
) -> None:
    runs = TrackRuns(run_store, clock, heartbeat_seconds=0.001)
    beats = []

    def work(progress: RunProgress) -> PruneReport:
        beat = next(t for t in threading.enumerate() if t.name == "supakeep-heartbeat")
        beats.append(beat)
        wait_until(lambda: recorded(runs, progress.run).tables != {})
        return DONE

    def crash_at_work(progress: RunProgress) -> PruneReport:
        progress.table("public.orders", 1, "running")
        work(progress)
        raise EOFError

    with pytest.raises(EOFError):
        runs.execute(a_run(), crash_at_work)

    assert [beat.is_alive() for beat in beats] == [False]
    assert recorded(runs, a_run()).status is RunStatus.FAILED


def test_a_heartbeat_that_fails_in_a_way_nobody_foresaw_is_followed_by_the_next(
    clock: FixedClock,
) -> None:
    class FailsOnce(InMemoryRunStore):
        failures = 0

        def renew_lease(self, *arguments: Any) -> None:
            if threading.current_thread().name == "supakeep-heartbeat" and not self.failures:
                self.failures += 1
                raise ZeroDivisionError
            super().renew_lease(*arguments)

    store = FailsOnce()
    runs = TrackRuns(store, clock, heartbeat_seconds=0.001)

    def work(progress: RunProgress) -> PruneReport:
        clock.advance(seconds=1)
        wait_until(lambda: recorded(runs, progress.run).heartbeat_at == clock.now())
        return DONE

    assert runs.execute(a_run(), work).status is RunStatus.COMPLETE
    assert store.failures == 1


def test_progress_is_not_written_each_time(runs: TrackRuns) -> None:
    def quick_work(progress: RunProgress) -> PruneReport:
        progress.table("public.orders", 1, "running")
        assert recorded(runs, progress.run).tables == {}
        return DONE

    # the last word is kept all the same
    assert runs.execute(a_run(), quick_work).tables["public.orders"].rows == 1


def test_a_run_that_lost_its_lease_stops(
    runs: TrackRuns, run_store: InMemoryRunStore, clock: FixedClock
) -> None:
    def slow_work(progress: RunProgress) -> PruneReport:
        clock.advance(seconds=LEASE_SECONDS + 1)
        end = clock.now() + dt.timedelta(seconds=LEASE_SECONDS)
        run_store.acquire_lease("database", "20261122T120501Z-other", clock.now(), end)
        progress.beat()
        progress.check()
        return DONE

    with pytest.raises(LeaseHeldError):
        runs.execute(a_run(), slow_work)

    assert recorded(runs, a_run()).status is RunStatus.FAILED
    # and does not take the other's lease away
    assert not lease_is_free(run_store, clock.now())


def test_a_run_whose_time_is_up_stops(runs: TrackRuns) -> None:
    def work(progress: RunProgress) -> PruneReport:
        progress.check()
        progress.check()
        return DONE

    with pytest.raises(DeadlineExceededError):
        runs.execute(a_run(), work, ExpiringDeadline(1))


def test_a_watcher_sees_progress_as_it_comes(
    run_store: InMemoryRunStore, clock: FixedClock
) -> None:
    watcher = InMemoryProgress()

    def work(progress: RunProgress) -> PruneReport:
        progress.table("public.orders", 7, "complete")
        return DONE

    TrackRuns(run_store, clock, watcher).execute(a_run(), work)

    assert watcher.tables == {"public.orders": (7, "complete")}


def test_the_backup_that_a_run_is_about_is_recorded_at_once(runs: TrackRuns) -> None:
    def work(progress: RunProgress) -> PruneReport:
        progress.name_backup("backup_jewelshot_2026-11-22")
        assert recorded(runs, progress.run).backup == "backup_jewelshot_2026-11-22"
        return DONE

    runs.execute(a_run(), work)


def test_what_the_machine_refuses_is_recorded_with_what_to_do(runs: TrackRuns) -> None:
    def fill_the_disk(_: RunProgress) -> PruneReport:
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(MachineError, match="No space left on device"):
        runs.execute(a_run(), fill_the_disk)

    error = recorded(runs, a_run()).error
    assert error is not None
    assert error.message == "No space left on device"
    assert "Free some space" in str(error.hint)
