"""Runs whose end the table of runs does not take."""

from __future__ import annotations

import logging

import pytest

from supakeep.domain.prune import PruneReport
from supakeep.domain.run import Run, RunStatus
from supakeep.errors import StorageUnavailableError
from supakeep.runs.in_memory import InMemoryRunStore
from supakeep.usecases.run_progress import RunProgress
from supakeep.usecases.track_runs import TrackRuns
from tests.fakes.time import FixedClock
from tests.unit.usecases.running import DONE, a_run, crash, done, recorded


class SilentRunStore(InMemoryRunStore):
    """Takes no end of a run, or gives no lease back."""

    def __init__(self, *, ends: bool = False, leases: bool = False) -> None:
        super().__init__()
        self._ends_fail = ends
        self._leases_stay = leases

    def save(self, run: Run) -> None:
        if self._ends_fail and run.status.is_final:
            raise StorageUnavailableError("DynamoDB did not answer", operation="save run")
        super().save(run)

    def release_lease(self, lease: str, run_id: str) -> None:
        if self._leases_stay:
            raise StorageUnavailableError("DynamoDB did not answer", operation="release lease")
        super().release_lease(lease, run_id)


def writing(progress: RunProgress) -> PruneReport:
    progress.table("public.items", 3, "complete")
    return DONE


def test_an_end_that_cannot_be_recorded_is_told_by_the_error(clock: FixedClock) -> None:
    runs = TrackRuns(SilentRunStore(ends=True), clock)

    with pytest.raises(StorageUnavailableError, match="DynamoDB") as raised:
        runs.execute(a_run(), writing)

    assert raised.value.hint == (
        "Run 20261122T120000Z-1a2b3c4d itself ended complete, at public.items. "
        "Only its record is missing."
    )


def test_a_failure_that_cannot_be_recorded_is_raised_all_the_same(
    clock: FixedClock, caplog: pytest.LogCaptureFixture
) -> None:
    runs = TrackRuns(SilentRunStore(ends=True), clock)

    with pytest.raises(StorageUnavailableError, match="It did not answer") as raised:
        runs.execute(a_run(), crash)

    assert raised.value.operation == "upload"
    assert "The failure of the run could not be recorded." in caplog.text


def test_a_lease_that_cannot_be_given_back_changes_no_run(
    clock: FixedClock, caplog: pytest.LogCaptureFixture
) -> None:
    runs = TrackRuns(SilentRunStore(leases=True), clock)

    with caplog.at_level(logging.WARNING):
        run = runs.execute(a_run(), done)

    assert run.status is RunStatus.COMPLETE
    assert recorded(runs, run) == run
    assert "could not give its lease back, which lapses in 300 seconds" in caplog.text
