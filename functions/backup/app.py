"""Creates backups: nightly by schedule, on demand over HTTP, and carries both out."""

from __future__ import annotations

from typing import Any

from supakeep.api import observability, runtime
from supakeep.api.backup_routes import add_backup_routes
from supakeep.api.contracts import BackupInvocation, ScheduleEvent
from supakeep.api.http import answer, create_resolver
from supakeep.domain.run import Run, RunKind, RunStatus, new_run_id
from supakeep.wiring import Application

logger = observability.create_logger()
tracer = observability.create_tracer()
metrics = observability.create_metrics()
application = runtime.WarmApplication()
resolver = create_resolver()
add_backup_routes(resolver, application)


@logger.inject_lambda_context(correlation_id_path="requestContext.requestId", clear_state=True)
@tracer.capture_lambda_handler(capture_response=False)
@metrics.log_metrics(capture_cold_start_metric=True)
def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Returns the HTTP answer, or the run's record as JSON fields; raises what ended a run."""
    if runtime.is_http(event):
        return answer(resolver, application, event, context)
    app = runtime.ready(application)
    scheduled = runtime.is_schedule(event)
    run = _run(app, event, context)
    run = runtime.carry_out(
        RunKind.BACKUP,
        "Backup:Cron" if run.trigger == "schedule" else "Backup:Manual",
        logger,
        metrics,
        lambda: app.backup(run, scheduled=scheduled, deadline=runtime.deadline_of(context)),
    )
    if run.status is RunStatus.COMPLETE and app.settings.prune_function_name:
        app.dispatcher.dispatch("prune", {})
    return run.model_dump(mode="json")


def _run(app: Application, event: dict[str, Any], context: Any) -> Run:
    if runtime.is_schedule(event):
        return _scheduled_run(app, event, context)
    return _invoked_run(app, event, context)


def _scheduled_run(app: Application, event: dict[str, Any], context: Any) -> Run:
    """The scheduled moment is the run's id: a second delivery of it is the same run."""
    scheduled_at = runtime.parse_event(ScheduleEvent, event).scheduled_at
    return runtime.new_run(
        app, RunKind.BACKUP, "schedule", new_run_id(scheduled_at, "schedule"), context
    )


def _invoked_run(app: Application, event: dict[str, Any], context: Any) -> Run:
    asked = runtime.parse_event(BackupInvocation, event)
    run = runtime.new_run(app, RunKind.BACKUP, asked.trigger, asked.run_id, context)
    return run.model_copy(update={"backup": asked.name})
