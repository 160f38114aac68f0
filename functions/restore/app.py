"""Restores, verifies, copies and drills backups, and answers every question about backups and runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from supakeep.api import dashboard, observability, runtime
from supakeep.api.audit_routes import add_audit_routes
from supakeep.api.contracts import (
    CopyInvocation,
    DrillInvocation,
    RestoreInvocation,
    ScheduleEvent,
    VerifyInvocation,
)
from supakeep.api.coverage_route import add_coverage_route
from supakeep.api.drill_routes import add_drill_routes
from supakeep.api.health_routes import add_health_routes
from supakeep.api.http import answer, create_resolver
from supakeep.api.key_routes import add_key_routes
from supakeep.api.openapi_route import asks_for_document, document_answer
from supakeep.api.overview_routes import add_overview_routes
from supakeep.api.request import Requests, ServedProject
from supakeep.api.restore_routes import add_restore_routes
from supakeep.api.run_routes import add_run_routes
from supakeep.api.stored_backup_routes import add_stored_backup_routes
from supakeep.domain.backup_name import LATEST
from supakeep.domain.drill import DrillReport
from supakeep.domain.manifest import Trigger
from supakeep.domain.run import Run, RunKind, new_run_id
from supakeep.usecases.run_copy import RunCopy
from supakeep.usecases.run_drill import RunDrill
from supakeep.usecases.run_restore import RunRestore
from supakeep.usecases.run_verify import RunVerify

logger = observability.create_logger()
metrics = observability.create_metrics()
# Lambda ends a chain of functions that start themselves after about 16 of them
_MOST_CONTINUATIONS = 12


def create_handler(projects: runtime.Projects) -> observability.Handler:
    """The function's handler over the project that `projects` give."""
    resolver, requests = create_resolver(), Requests(projects.for_answers)
    add_restore_routes(resolver, requests)
    add_stored_backup_routes(resolver, requests)
    add_drill_routes(resolver, requests)
    add_audit_routes(resolver, requests)
    add_key_routes(resolver, requests)
    add_health_routes(resolver, requests)
    add_coverage_route(resolver, requests)
    add_run_routes(resolver, requests)
    add_overview_routes(resolver, requests)

    def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
        """Returns the HTTP answer, or the run's record as JSON fields; raises what ended a run."""
        if runtime.is_http(event):
            if asks_for_document(event):
                return document_answer()
            if dashboard.is_dashboard(event):
                return dashboard.serve(event)
            return answer(resolver, requests, event, context)
        work = _WORK.get(str(event.get("action")), _restore)
        return work(runtime.ready(projects.for_work), event, context).model_dump(mode="json")

    return observability.observed(handler, logger, metrics)


def _restore(project: ServedProject, event: dict[str, Any], context: Any) -> Run:
    asked = runtime.parse_event(RestoreInvocation, event)
    restore = RunRestore(project, runtime.deadline_of(context))
    run = _requested(project, RunKind.RESTORE, asked.run_id, context)
    return _carry_out(project, run, context, lambda: restore(run, asked.request()))


def _verify(project: ServedProject, event: dict[str, Any], context: Any) -> Run:
    asked = runtime.parse_event(VerifyInvocation, event)
    verify = RunVerify(project, runtime.deadline_of(context))
    run = _requested(project, RunKind.VERIFY, asked.run_id, context)
    return _carry_out(project, run, context, lambda: verify(run, asked.name, asked.read_from))


def _copy(project: ServedProject, event: dict[str, Any], context: Any) -> Run:
    asked = runtime.parse_event(CopyInvocation, event)
    copy = RunCopy(project, runtime.deadline_of(context))
    run = _requested(project, RunKind.COPY, asked.run_id, context)
    return _carry_out(project, run, context, lambda: copy(run, asked.name, asked.to))


def _drill(project: ServedProject, event: dict[str, Any], context: Any) -> Run:
    run, name, continuation = _drill_run(project, event, context)

    def drill() -> Run:
        asserted, deadline = project.settings.assertions(), runtime.deadline_of(context)
        return RunDrill(project, project.scratch_server, asserted, deadline)(run, name)

    ended = _carry_out(project, run, context, drill)
    goes_on = isinstance(ended.result, DrillReport) and ended.result.goes_on
    if goes_on and continuation < _MOST_CONTINUATIONS and ended.invocation == run.invocation:
        follows = {"name": ended.backup, "after": run.id, "continuation": continuation + 1}
        project.dispatcher.dispatch("drill", {**follows, "trigger": run.trigger})
    return ended


def _drill_run(project: ServedProject, event: dict[str, Any], context: Any) -> tuple[Run, str, int]:
    """The run, and the backup that is drilled: for the schedule, the newest good one. The number says how
    many drills before it went on with the same backup.
    """
    if runtime.is_schedule(event):
        scheduled_at = runtime.parse_event(ScheduleEvent, event).scheduled_at
        run_id = new_run_id(scheduled_at, "drill")
        run = runtime.new_run(project, RunKind.DRILL, Trigger.SCHEDULE, run_id, context)
        return run, LATEST, 0
    asked = runtime.parse_event(DrillInvocation, event)
    run = runtime.new_run(project, RunKind.DRILL, asked.trigger, asked.run_id, context)
    return run.model_copy(update={"after": asked.after}), asked.name, asked.continuation


_WORK = {
    RunKind.VERIFY.value: _verify,
    RunKind.COPY.value: _copy,
    RunKind.DRILL.value: _drill,
}


def _requested(project: ServedProject, kind: RunKind, run_id: str | None, context: Any) -> Run:
    return runtime.new_run(project, kind, Trigger.API, run_id, context)


def _carry_out(project: ServedProject, run: Run, context: Any, work: Callable[[], Run]) -> Run:
    deadline = runtime.deadline_of(context)
    return runtime.carry_out(project, run, logger, metrics, work, deadline=deadline)


lambda_handler = create_handler(runtime.Projects.from_environment())
