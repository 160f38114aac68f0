"""Restores and verifies backups, and answers every question about backups and runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from supakeep.api import dashboard, observability, runtime
from supakeep.api.contracts import CopyInvocation, RestoreInvocation, VerifyInvocation
from supakeep.api.http import answer, create_resolver
from supakeep.api.openapi_route import asks_for_document, document_answer
from supakeep.api.overview_routes import add_overview_routes
from supakeep.api.request import Requests, ServedProject
from supakeep.api.restore_routes import add_restore_routes
from supakeep.api.run_routes import add_run_routes
from supakeep.api.stored_backup_routes import add_stored_backup_routes
from supakeep.domain.manifest import Trigger
from supakeep.domain.run import Run, RunKind
from supakeep.usecases.run_copy import RunCopy
from supakeep.usecases.run_restore import RunRestore
from supakeep.usecases.run_verify import RunVerify

logger = observability.create_logger()
metrics = observability.create_metrics()


def create_handler(projects: runtime.Projects) -> observability.Handler:
    """The function's handler over the project that `projects` give."""
    resolver, requests = create_resolver(), Requests(projects.for_answers)
    add_restore_routes(resolver, requests)
    add_stored_backup_routes(resolver, requests)
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
    return _carry_out(
        RunKind.RESTORE, project, asked.run_id, context, lambda run: restore(run, asked.request())
    )


def _verify(project: ServedProject, event: dict[str, Any], context: Any) -> Run:
    asked = runtime.parse_event(VerifyInvocation, event)
    verify = RunVerify(project, runtime.deadline_of(context))
    return _carry_out(
        RunKind.VERIFY,
        project,
        asked.run_id,
        context,
        lambda run: verify(run, asked.name, asked.read_from),
    )


def _copy(project: ServedProject, event: dict[str, Any], context: Any) -> Run:
    asked = runtime.parse_event(CopyInvocation, event)
    copy = RunCopy(project, runtime.deadline_of(context))
    return _carry_out(
        RunKind.COPY, project, asked.run_id, context, lambda run: copy(run, asked.name, asked.to)
    )


_WORK = {RunKind.VERIFY.value: _verify, RunKind.COPY.value: _copy}


def _carry_out(
    kind: RunKind,
    project: ServedProject,
    run_id: str | None,
    context: Any,
    work: Callable[[Run], Run],
) -> Run:
    """Does the work of one run under the name that its kind has in logs and metrics."""
    run = runtime.new_run(project, kind, Trigger.API, run_id, context)
    return runtime.carry_out(
        kind,
        kind.value.title(),
        logger,
        metrics,
        lambda: work(run),
        deadline=runtime.deadline_of(context),
    )


lambda_handler = create_handler(runtime.Projects.from_environment())
