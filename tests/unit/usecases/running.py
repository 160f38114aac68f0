"""What the tests of runs share."""

from __future__ import annotations

import datetime as dt

from supakeep.domain.run import Run, RunKind, RunStatus, new_run_id
from supakeep.errors import LeaseHeldError, StorageUnavailableError
from supakeep.runs.in_memory import InMemoryRunStore
from supakeep.usecases.track_runs import Outcome, RunProgress, TrackRuns
from tests.fakes.time import NOON

DONE = Outcome(RunStatus.COMPLETE, {"rows": 5})


def a_run(suffix: str = "1a2b3c4d", kind: RunKind = RunKind.BACKUP) -> Run:
    return Run(id=new_run_id(NOON, suffix), kind=kind, trigger="schedule", requested_at=NOON)


def done(_: RunProgress) -> Outcome:
    return DONE


def crash(_: RunProgress) -> Outcome:
    raise StorageUnavailableError("It did not answer", operation="upload", hint="Try again")


def recorded(runs: TrackRuns, run: Run) -> Run:
    return runs.get(run.id)


def lease_is_free(store: InMemoryRunStore, now: dt.datetime, lease: str = "database") -> bool:
    try:
        store.acquire_lease(lease, "someone-else", now, now)
    except LeaseHeldError:
        return False
    return True
