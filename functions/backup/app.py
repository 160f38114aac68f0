"""Creates backups: nightly by schedule, on demand over HTTP, and carries both out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from supakeep.api import observability, runtime
from supakeep.api.backup_routes import add_backup_routes
from supakeep.api.contracts import BackupInvocation, ScheduleEvent
from supakeep.api.http import answer, create_resolver
from supakeep.api.request import Requests, ServedProject
from supakeep.domain.manifest import Trigger
from supakeep.domain.run import Run, RunKind, RunStatus, new_run_id
from supakeep.usecases.run_backup import RunBackup

logger = observability.create_logger()
metrics = observability.create_metrics()


def create_handler(projects: runtime.Projects) -> observability.Handler:
    """The function's handler over the project that `projects` give."""
    resolver, requests = create_resolver(), Requests(projects.for_answers)
    add_backup_routes(resolver, requests)

    def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
        """Returns the HTTP answer, or the run's record as JSON fields; raises what ended a run."""
        if runtime.is_http(event):
            return answer(resolver, requests, event, context)
        return _back_up(runtime.ready(projects.for_work), event, context).model_dump(mode="json")

    return observability.observed(handler, logger, metrics)


def _back_up(project: ServedProject, event: dict[str, Any], context: Any) -> Run:
    scheduled = runtime.is_schedule(event)
    accept_shrink: Sequence[str] = ()
    if scheduled:
        run = _scheduled_run(project, event, context)
    else:
        run, accept_shrink = _invoked_run(project, event, context)
    deadline = runtime.deadline_of(context)
    back_up = RunBackup(project, deadline)
    run = runtime.carry_out(
        project,
        run,
        logger,
        metrics,
        lambda: back_up(run, scheduled=scheduled, accept_shrink=accept_shrink),
        deadline=deadline,
    )
    if run.status is RunStatus.COMPLETE:
        _start_what_follows(project, run)
    return run


def _start_what_follows(project: ServedProject, run: Run) -> None:
    """A prune, and where every backup is drilled, a drill."""
    follows = {"trigger": run.trigger, "after": run.id}
    if project.settings.prune_function_name:
        project.dispatcher.dispatch("prune", follows)
    if project.settings.drill_function_name:
        project.dispatcher.dispatch("drill", {**follows, "name": run.backup})


def _scheduled_run(project: ServedProject, event: dict[str, Any], context: Any) -> Run:
    """The scheduled moment is the run's ID: a second delivery of it is the same run."""
    scheduled_at = runtime.parse_event(ScheduleEvent, event).scheduled_at
    run_id = new_run_id(scheduled_at, "schedule")
    return runtime.new_run(project, RunKind.BACKUP, Trigger.SCHEDULE, run_id, context)


def _invoked_run(
    project: ServedProject, event: dict[str, Any], context: Any
) -> tuple[Run, Sequence[str]]:
    """The run, and the tables that may have lost rows."""
    asked = runtime.parse_event(BackupInvocation, event)
    run = runtime.new_run(project, RunKind.BACKUP, asked.trigger, asked.run_id, context)
    return run.model_copy(update={"backup": asked.name}), asked.accept_shrink


lambda_handler = create_handler(runtime.Projects.from_environment())
