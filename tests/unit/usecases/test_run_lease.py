from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from supakeep.domain.lease import LEASE_SECONDS
from supakeep.domain.manifest import Trigger
from supakeep.domain.prune import PruneReport
from supakeep.domain.run import Run, RunKind, RunStatus, new_run_id
from supakeep.errors import LeaseHeldError, StorageUnavailableError
from supakeep.runs.in_memory import InMemoryRunStore
from supakeep.usecases.run_backup import RunBackup
from supakeep.usecases.run_lease import RunLease, lease_end
from supakeep.usecases.run_progress import RunProgress
from supakeep.usecases.run_prune import RunPrune
from supakeep.usecases.track_runs import TrackRuns
from tests.builders.backups import a_shop, manifests_in
from tests.builders.lambda_events import Project
from tests.builders.manifests import place_backup
from tests.fakes.object_store import InMemoryObjectStore
from tests.fakes.runs import InMemoryDispatcher
from tests.fakes.time import NOON, FixedClock

OURS, OTHER = "20261122T120000Z-ours", "20261122T120501Z-other"
UNANSWERED = StorageUnavailableError("DynamoDB did not answer", operation="renew lease")


class Outage(InMemoryRunStore):
    """Answers until `is_down`; counts the renewals that it was asked for."""

    is_down = False
    asked = 0

    def renew_lease(self, lease: str, run_id: str, expires_at: dt.datetime) -> None:
        self.asked += 1
        if self.is_down:
            raise UNANSWERED
        super().renew_lease(lease, run_id, expires_at)


@pytest.fixture
def table() -> Outage:
    return Outage()


@pytest.fixture
def lease(table: Outage, clock: FixedClock) -> RunLease:
    table.acquire_lease("database", OURS, clock.now(), lease_end(clock.now()))
    return RunLease(table, clock, "database", OURS)


def take_over(table: InMemoryRunStore, now: dt.datetime, lease: str = "database") -> None:
    table.acquire_lease(lease, OTHER, now, lease_end(now))


def refused(attempt: Callable[[], Any]) -> bool:
    try:
        attempt()
    except LeaseHeldError:
        return True
    return False


def test_a_machine_that_slept_finds_its_lease_lost_before_it_goes_on(
    lease: RunLease, table: Outage, clock: FixedClock
) -> None:
    """No heartbeat was due meanwhile, since nothing ran."""
    clock.advance(seconds=LEASE_SECONDS + 1)
    take_over(table, clock.now())
    with pytest.raises(LeaseHeldError, match=OTHER):
        lease.check()
    # and it stays lost
    assert refused(lease.check)
    assert refused(lease.confirm)
    assert refused(lease.renew)


def test_a_lease_that_another_run_had_meanwhile_is_lost_even_if_it_gave_it_back(
    lease: RunLease, table: Outage, clock: FixedClock
) -> None:
    clock.advance(seconds=LEASE_SECONDS + 1)
    take_over(table, clock.now())
    table.release_lease("database", OTHER)
    assert refused(lease.check)


def test_a_machine_that_slept_and_was_not_missed_goes_on(
    lease: RunLease, table: Outage, clock: FixedClock
) -> None:
    clock.advance(seconds=LEASE_SECONDS + 1)
    lease.check()
    assert refused(lambda: take_over(table, clock.now()))


def test_a_check_asks_nobody_as_long_as_the_heartbeat_does(
    lease: RunLease, table: Outage, clock: FixedClock
) -> None:
    for _ in range(10):
        clock.advance(seconds=2)
        lease.renew()
        asked = table.asked
        for _ in range(100):
            lease.check()
            lease.confirm()
        assert table.asked == asked


def test_what_cannot_be_taken_back_asks_unless_it_was_asked_just_now(
    lease: RunLease, table: Outage, clock: FixedClock
) -> None:
    clock.advance(seconds=2)
    # another machine's clock is an hour ahead, so the lease seemed to have ended long ago
    take_over(table, clock.now() + dt.timedelta(hours=1))
    lease.check()
    assert refused(lease.confirm)


@pytest.mark.parametrize("hours", [-24, -1, 1, 24])
def test_a_clock_that_is_set_to_another_time_costs_no_lease(
    lease: RunLease, table: Outage, clock: FixedClock, hours: int
) -> None:
    clock.jump(hours=hours)
    for seconds in range(0, 2 * LEASE_SECONDS, 2):
        clock.advance(seconds=2)
        lease.renew()
        elsewhere = NOON + dt.timedelta(seconds=seconds + 2)
        assert refused(partial(take_over, table, elsewhere))
        lease.check()
        lease.confirm()
    # nor does the lease outlast a crash by more than its minutes
    take_over(table, NOON + dt.timedelta(seconds=3 * LEASE_SECONDS + 1))


def test_a_clock_that_jumps_shows_no_running_run_as_dead(
    run_store: InMemoryRunStore, clock: FixedClock
) -> None:
    runs = TrackRuns(run_store, clock)
    run = Run(id=OURS, kind=RunKind.PRUNE, trigger=Trigger.API, requested_at=NOON)

    def work(progress: RunProgress) -> PruneReport:
        clock.jump(hours=-1)
        clock.advance(seconds=10)
        progress.beat()
        recorded = run_store.get(OURS)
        assert recorded is not None
        assert recorded.as_seen_at(NOON + dt.timedelta(seconds=11)).status is RunStatus.RUNNING
        return PruneReport(project="jewelshot", dry_run=False)

    assert runs.execute(run, work).status is RunStatus.COMPLETE


def test_a_table_that_does_not_answer_ends_a_run_only_when_another_may_have_begun(
    lease: RunLease, table: Outage, clock: FixedClock
) -> None:
    table.is_down = True
    for _ in range(4):
        clock.advance(seconds=60)
        lease.check()
        lease.confirm()
    clock.advance(seconds=40)
    with pytest.raises(LeaseHeldError, match="could not be renewed"):
        lease.check()
    assert refused(lease.confirm)
    assert refused(lambda: table.acquire_lease("database", OTHER, clock.now(), clock.now()))


def test_a_table_that_does_not_answer_is_not_asked_at_each_step(
    lease: RunLease, table: Outage, clock: FixedClock
) -> None:
    table.is_down = True
    clock.advance(seconds=10)
    for _ in range(100):
        lease.check()
    assert table.asked == 1


class TakenOverStore(InMemoryObjectStore):
    """While the object with this end of its key is written, another run takes the lease over."""

    def __init__(self, table: InMemoryRunStore, clock: FixedClock, during: str, name: str) -> None:
        super().__init__(name, clock=clock, piece_bytes=4096)
        self._table = table
        self._time = clock
        self._during = during

    def put(self, key: str, content: Any) -> None:
        super().put(key, content)
        if key.endswith(self._during):
            self._time.advance(seconds=LEASE_SECONDS + 1)
            take_over(self._table, self._time.now())


def project_of(table: InMemoryRunStore, clock: FixedClock, primary: InMemoryObjectStore) -> Any:
    project = Project(
        database=a_shop(),
        primary=primary,
        mirror=InMemoryObjectStore("mirror", clock=clock, piece_bytes=4096),
        dispatcher=InMemoryDispatcher(),
        clock=clock,
    )
    served = project.served()
    served.max_object_bytes = 500
    served.run_store = table
    return served


@pytest.mark.parametrize(("during", "stored"), [(".001", 1), (".002", 2)])
def test_a_backup_that_lost_its_lease_writes_neither_the_next_object_nor_a_manifest(
    run_store: InMemoryRunStore, clock: FixedClock, during: str, stored: int
) -> None:
    primary = TakenOverStore(run_store, clock, during, "primary")
    project = project_of(run_store, clock, primary)
    run = Run(id=OURS, kind=RunKind.BACKUP, trigger=Trigger.API, requested_at=NOON)

    with pytest.raises(LeaseHeldError, match=OTHER) as lost:
        RunBackup(project)(run)

    assert len(primary.objects) == stored
    assert manifests_in(primary) == manifests_in(project.copies[0]) == []
    # it does not delete either: the other run is at work
    assert "Left behind" in str(lost.value.hint)
    recorded = run_store.get(OURS)
    assert recorded is not None
    assert recorded.status is RunStatus.FAILED
    assert refused(lambda: run_store.acquire_lease("database", "third", clock.now(), NOON))


def test_a_prune_that_lost_its_lease_deletes_nothing_more(
    run_store: InMemoryRunStore, clock: FixedClock
) -> None:
    class Deleting(InMemoryObjectStore):
        def delete(self, key: str) -> None:
            super().delete(key)
            clock.advance(seconds=LEASE_SECONDS + 1)
            take_over(run_store, clock.now(), "prune")

    primary = Deleting(clock=clock, piece_bytes=4096)
    for days in range(10):
        place_backup(primary, at=NOON - dt.timedelta(days=days))
    project = project_of(run_store, clock, primary)
    run = Run(id=OURS, kind=RunKind.PRUNE, trigger=Trigger.API, requested_at=NOON)

    with pytest.raises(LeaseHeldError, match=OTHER):
        RunPrune(project)(run, dry_run=False)

    # the manifests that were being deleted are gone, and no document
    assert len(primary.objects) == 17
    assert sum(key.endswith(".sql.json") for key in primary.objects) == 10


def test_run_ids_of_one_second_sort_by_time() -> None:
    moments = [NOON + dt.timedelta(microseconds=n) for n in (0, 1, 9, 16, 300, 99_999, 999_999)]
    ids = [new_run_id(moment) for moment in moments]
    assert ids == sorted(ids)
    assert all(len(run_id) == len("20261122T120000Z-1a2b3c4d5e6f7a8b") for run_id in ids)


def test_runs_of_one_moment_have_ids_of_their_own() -> None:
    assert len({new_run_id(NOON) for _ in range(10_000)}) == 10_000
