"""Accept work over HTTP that an asynchronous invocation carries out."""

from __future__ import annotations

from typing import Any, Literal

from supakeep.api.contracts import Accepted
from supakeep.domain.run import Run, RunKind
from supakeep.errors import SupakeepError
from supakeep.wiring import Application

RUNS_PATH = "/api/admin/runs"


def accept(
    app: Application,
    kind: RunKind,
    payload: dict[str, Any],
    *,
    backup: str | None = None,
    trigger: Literal["api", "schedule"] = "api",
) -> Accepted:
    """Records the run, takes its lease and hands `payload` over with the run's id.

    Raises LeaseHeldError where another run is at work; nothing is left behind where handing over
    fails.
    """
    run = app.runs.accept(kind, trigger, backup=backup)
    try:
        app.dispatcher.dispatch(kind.value, {**payload, "run_id": run.id})
    except SupakeepError as exc:
        app.runs.withdraw(run, exc)
        raise
    return accepted(run)


def accepted(run: Run) -> Accepted:
    """The answer 202 for a run that was handed over, with the path that tells how far it is."""
    return Accepted(
        run_id=run.id, name=run.backup, status=run.status, status_url=f"{RUNS_PATH}/{run.id}"
    )
