"""Restores backups, and answers every question about backups and runs."""

from __future__ import annotations

from typing import Any

from supakeep.api import observability, runtime
from supakeep.api.contracts import RestoreInvocation
from supakeep.api.http import answer, create_resolver
from supakeep.api.restore_routes import add_restore_routes
from supakeep.domain.run import RunKind

logger = observability.create_logger()
tracer = observability.create_tracer()
metrics = observability.create_metrics()
application = runtime.WarmApplication()
resolver = create_resolver()
add_restore_routes(resolver, application)


@logger.inject_lambda_context(correlation_id_path="requestContext.requestId", clear_state=True)
@tracer.capture_lambda_handler(capture_response=False)
@metrics.log_metrics(capture_cold_start_metric=True)
def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Returns the HTTP answer, or the run's record as JSON fields; raises what ended a run."""
    if runtime.is_http(event):
        return answer(resolver, application, event, context)
    app = runtime.ready(application)
    asked = runtime.parse_event(RestoreInvocation, event)
    run = runtime.carry_out(
        RunKind.RESTORE,
        "Restore",
        logger,
        metrics,
        lambda: app.restore(
            runtime.new_run(app, RunKind.RESTORE, "api", asked.run_id, context),
            asked.request(),
            deadline=runtime.deadline_of(context),
        ),
    )
    return run.model_dump(mode="json")
