"""What the tests of runs share."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable

from supakeep.domain.manifest import Trigger
from supakeep.domain.prune import PruneReport
from supakeep.domain.run import Run, RunKind, new_run_id
from supakeep.errors import LeaseHeldError, StorageUnavailableError
from supakeep.runs.in_memory import InMemoryRunStore
from supakeep.usecases.run_progress import RunProgress
from supakeep.usecases.track_runs import TrackRuns
from tests.builders.manifests import PROJECT
from tests.fakes.time import NOON

DONE = PruneReport(project=PROJECT, dry_run=False)


def a_run(
    suffix: str = "1a2b3c4d",
    kind: RunKind = RunKind.BACKUP,
    trigger: Trigger = Trigger.SCHEDULE,
) -> Run:
    return Run(id=new_run_id(NOON, suffix), kind=kind, trigger=trigger, requested_at=NOON)


def done(_: RunProgress) -> PruneReport:
    return DONE


def crash(_: RunProgress) -> PruneReport:
    raise StorageUnavailableError("It did not answer", operation="upload", hint="Try again")


def recorded(runs: TrackRuns, run: Run) -> Run:
    return runs.get(run.id)


def lease_is_free(store: InMemoryRunStore, now: dt.datetime, lease: str = "database") -> bool:
    try:
        store.acquire_lease(lease, "someone-else", now, now)
    except LeaseHeldError:
        return False
    return True


def wait_until(is_so: Callable[[], bool]) -> None:
    """Waits for another thread; fails where that takes more than a few seconds."""
    give_up_at = time.monotonic() + 5
    while not is_so():
        assert time.monotonic() < give_up_at
        time.sleep(0.001)
