"""Prunes backups by the retention policy: by schedule, after a good backup, and on demand."""

from __future__ import annotations

import datetime as dt
from typing import Any

from supakeep.api import observability, runtime
from supakeep.api.contracts import PruneInvocation, ScheduleEvent
from supakeep.api.http import answer, create_resolver
from supakeep.api.prune_routes import add_prune_routes
from supakeep.domain.run import Run, RunKind, new_run_id
from supakeep.wiring import Application

logger = observability.create_logger()
tracer = observability.create_tracer()
metrics = observability.create_metrics()
application = runtime.WarmApplication()
resolver = create_resolver()
add_prune_routes(resolver, application)


@logger.inject_lambda_context(correlation_id_path="requestContext.requestId", clear_state=True)
@tracer.capture_lambda_handler(capture_response=False)
@metrics.log_metrics(capture_cold_start_metric=True)
def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Returns the HTTP answer, or the run's record as JSON fields; raises what ended a run."""
    if runtime.is_http(event):
        return answer(resolver, application, event, context)
    app = runtime.ready(application)
    run, dry_run = _run(app, event, context)
    run = runtime.carry_out(
        RunKind.PRUNE,
        "Prune",
        logger,
        metrics,
        lambda: app.prune(run, dry_run=dry_run, deadline=runtime.deadline_of(context)),
    )
    _count_age(app, run)
    return run.model_dump(mode="json")


def _run(app: Application, event: dict[str, Any], context: Any) -> tuple[Run, bool]:
    if runtime.is_schedule(event):
        scheduled_at = runtime.parse_event(ScheduleEvent, event).scheduled_at
        run_id = new_run_id(scheduled_at, "prune")
        return runtime.new_run(app, RunKind.PRUNE, "schedule", run_id, context), False
    asked = runtime.parse_event(PruneInvocation, event)
    return runtime.new_run(app, RunKind.PRUNE, "api", asked.run_id, context), asked.dry_run


def _count_age(app: Application, run: Run) -> None:
    newest = (run.result or {}).get("newest_good_at")
    if newest is not None:
        age = app.clock.now() - dt.datetime.fromisoformat(newest)
        observability.count_newest_good_backup(metrics, age.total_seconds())
