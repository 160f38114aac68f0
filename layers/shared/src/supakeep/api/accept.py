"""Accept work over HTTP that an asynchronous invocation carries out."""

from __future__ import annotations

import logging
from typing import Any

from supakeep.api.answers.runs import Accepted
from supakeep.api.request import Request
from supakeep.domain.manifest import Trigger
from supakeep.domain.run import Run, RunKind
from supakeep.errors import SupakeepError
from supakeep.usecases.track_runs import TrackRuns

log = logging.getLogger(__name__)

RUNS_PATH = "/api/admin/runs"


def accept(
    request: Request,
    kind: RunKind,
    payload: dict[str, Any],
    *,
    backup: str | None = None,
    trigger: Trigger = Trigger.API,
) -> Accepted:
    """Records the run, takes its lease and hands `payload` over with the run's ID.

    Raises LeaseHeldError where another run is at work. Where handing over fails, or takes so long
    that the caller no longer hears the answer, the run is withdrawn and the error raised: whoever
    gets an error can be sure that nothing starts.
    """
    request.last_step.check()
    runs = TrackRuns.of(request.project)
    run = runs.accept(kind, trigger, backup=backup, requested_by=request.caller.actor)
    try:
        request.project.dispatcher.dispatch(kind.value, {**payload, "run_id": run.id})
        request.last_answer.check()
    except SupakeepError as exc:
        if runs.withdraw(run, exc):
            raise
        # it was handed over, only the answer was lost or late
        log.warning("Run %s has started, though: %s", run.id, exc.message)
    return accepted(run)


def accepted(run: Run) -> Accepted:
    """The answer 202 for a run that was handed over, with the path that shows how far it is."""
    return Accepted(
        run_id=run.id, name=run.backup, status=run.status, status_url=f"{RUNS_PATH}/{run.id}"
    )
