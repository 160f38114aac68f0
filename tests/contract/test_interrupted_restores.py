"""Restores and queries of a real database under a lease in a real table."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from uuid import uuid4

import pytest
from mypy_boto3_dynamodb import DynamoDBClient

from supakeep.domain.lease import LEASE_SECONDS, lease_held
from supakeep.domain.manifest import Trigger
from supakeep.domain.prune import PruneReport
from supakeep.domain.run import Run, RunKind, RunStatus
from supakeep.errors import LeaseHeldError
from supakeep.runs.dynamodb import DynamoDbRunStore
from supakeep.system import SystemClock
from supakeep.usecases import run_lease
from supakeep.usecases.run_lease import RunLease, lease_end
from supakeep.usecases.run_progress import RunProgress
from supakeep.usecases.track_runs import TrackRuns
from tests.builders.postgres_project import PostgresProject
from tests.contract.conftest import RUNS_TABLE
from tests.fakes.runs import InMemoryProgress
from tests.fakes.time import FixedClock

pytestmark = pytest.mark.integration

OURS, OTHER = "20261122T120000Z-ours", "20261122T120501Z-other"


class TakenOver:
    """Progress and deadline of a run whose lease goes to another when its tables are complete."""

    def __init__(self) -> None:
        self._complete = False

    def expect(self, rows: Mapping[str, int]) -> None:
        pass

    def phase(self, name: str) -> None:
        pass

    def table(self, name: str, rows: int, status: str) -> None:  # noqa: ARG002
        self._complete = status == "complete"

    def check(self) -> None:
        if self._complete:
            raise lease_held("20261122T120501Z-other")


def test_a_restore_that_was_taken_over_keeps_nothing(project: PostgresProject) -> None:
    project.sql("create table items (id int primary key, note text); insert into items values (1)")
    backup = project.back_up()
    project.sql("update items set note = 'changed'")
    changed = project.dump()
    run = TakenOver()

    with pytest.raises(LeaseHeldError):
        project.restore(backup, progress=run, deadline=run)

    assert project.dump() == changed


@pytest.fixture
def table(dynamodb: DynamoDBClient) -> DynamoDbRunStore:
    return DynamoDbRunStore(dynamodb, RUNS_TABLE, uuid4().hex)


def test_a_restore_that_was_paused_before_its_commit_and_taken_over_keeps_nothing(
    project: PostgresProject, table: DynamoDbRunStore
) -> None:
    """As on a machine that slept: no heartbeat was due, and nothing has noticed the loss yet."""
    project.sql("create table items (id int primary key, note text); insert into items values (1)")
    backup = project.back_up()
    project.sql("update items set note = 'changed'")
    changed = project.dump()
    clock = FixedClock()
    table.acquire_lease("database", OURS, clock.now(), lease_end(clock.now()))
    lease = RunLease(table, clock, "database", OURS)

    class Sleeper(InMemoryProgress):
        def table(self, name: str, rows: int, status: str) -> None:
            super().table(name, rows, status)
            if status == "complete":
                clock.advance(seconds=LEASE_SECONDS + 1)
                table.acquire_lease("database", OTHER, clock.now(), lease_end(clock.now()))

    with pytest.raises(LeaseHeldError, match=OTHER):
        project.restore(backup, progress=Sleeper(), lease=lease)

    assert project.dump() == changed


def test_a_query_that_takes_longer_than_the_lease_keeps_it(
    project: PostgresProject, table: DynamoDbRunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    # whole seconds, because the table counts in these
    monkeypatch.setattr(run_lease, "LEASE_SECONDS", 2)
    runs = TrackRuns(table, SystemClock(), heartbeat_seconds=0.2)
    refused = []

    def slow_query(progress: RunProgress) -> PruneReport:
        def try_to_take_over() -> None:
            now = SystemClock().now()
            try:
                table.acquire_lease("database", OTHER, now, now)
            except LeaseHeldError as exc:
                refused.append(exc.key)

        timers = [threading.Timer(seconds, try_to_take_over) for seconds in (0.1, 2.6, 3.2)]
        for timer in timers:
            timer.start()
        project.sql("select pg_sleep(3.5)")
        for timer in timers:
            timer.join()
        progress.beat()
        return PruneReport(project="jewelshot", dry_run=False)

    run = Run(id=OURS, kind=RunKind.BACKUP, trigger=Trigger.API, requested_at=SystemClock().now())
    assert runs.execute(run, slow_query).status is RunStatus.COMPLETE
    assert refused == [OURS] * 3
