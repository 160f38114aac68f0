"""Accept work over HTTP that an asynchronous invocation carries out."""

from __future__ import annotations

from typing import Any

from supakeep.api.contracts import Accepted
from supakeep.domain.manifest import Trigger
from supakeep.domain.run import Run, RunKind
from supakeep.errors import SupakeepError
from supakeep.ports import Project
from supakeep.usecases.track_runs import TrackRuns

RUNS_PATH = "/api/admin/runs"


def accept(
    project: Project,
    kind: RunKind,
    payload: dict[str, Any],
    *,
    backup: str | None = None,
    trigger: Trigger = Trigger.API,
) -> Accepted:
    """Records the run, takes its lease and hands `payload` over with the run's id.

    Raises LeaseHeldError where another run is at work; nothing is left behind where handing over
    fails.
    """
    runs = TrackRuns.of(project)
    run = runs.accept(kind, trigger, backup=backup)
    try:
        project.dispatcher.dispatch(kind.value, {**payload, "run_id": run.id})
    except SupakeepError as exc:
        runs.withdraw(run, exc)
        raise
    return accepted(run)


def accepted(run: Run) -> Accepted:
    """The answer 202 for a run that was handed over, with the path that tells how far it is."""
    return Accepted(
        run_id=run.id, name=run.backup, status=run.status, status_url=f"{RUNS_PATH}/{run.id}"
    )
