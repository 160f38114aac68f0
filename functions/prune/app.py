"""Prunes backups by the retention policy: by schedule, after a good backup, and on demand.

It also pins backups, and measures how old the newest good backup and the newest drill are.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from typing import Any

from supakeep.api import observability, runtime
from supakeep.api.contracts import PruneInvocation, ScheduleEvent
from supakeep.api.http import answer, create_resolver
from supakeep.api.pin_routes import add_pin_routes
from supakeep.api.prune_routes import add_prune_routes
from supakeep.api.request import Requests, ServedProject
from supakeep.domain.manifest import Trigger
from supakeep.domain.prune import PruneReport
from supakeep.domain.run import Run, RunKind, new_run_id
from supakeep.errors import SupakeepError
from supakeep.retries import patience
from supakeep.stores.remembering import ManifestMemory, RememberingObjectStore
from supakeep.usecases.choose_stores import every_store
from supakeep.usecases.measure_age import measure_age
from supakeep.usecases.newest_proof import newest_proof
from supakeep.usecases.run_prune import RunPrune

logger = observability.create_logger()
metrics = observability.create_metrics()

Memories = defaultdict[str, ManifestMemory]


def create_handler(projects: runtime.Projects) -> observability.Handler:
    """The function's handler over the project that `projects` give."""
    resolver, requests = create_resolver(), Requests(projects.for_answers)
    memories: Memories = defaultdict(ManifestMemory)
    add_prune_routes(resolver, requests)
    add_pin_routes(resolver, requests)

    def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
        """Returns the HTTP answer, or the run's record as JSON fields; raises what ended a run."""
        if runtime.is_http(event):
            return answer(resolver, requests, event, context)
        if runtime.is_measurement(event):
            return _measure(projects, memories, context)
        return _prune(runtime.ready(projects.for_work), event, context).model_dump(mode="json")

    return observability.observed(handler, logger, metrics)


def _prune(project: ServedProject, event: dict[str, Any], context: Any) -> Run:
    run, dry_run = _run(project, event, context)
    deadline = runtime.deadline_of(context)
    prune = RunPrune(project, deadline)
    run = runtime.carry_out(
        project,
        run,
        logger,
        metrics,
        lambda: prune(run, dry_run=dry_run),
        deadline=deadline,
    )
    _count(project, run)
    return run


def _measure(projects: runtime.Projects, memories: Memories, context: Any) -> dict[str, Any]:
    """Writes the ages of the newest good backup and of the newest proof. What keeps it from that is
    logged and not raised: nothing is written then, which the alarm notices, and a schedule of every ten
    minutes needs no dead letters.
    """
    try:
        project = projects.for_answers()
        with patience(deadline=runtime.deadline_of(context)):
            stores = [
                RememberingObjectStore(store, memories[store.name])
                for store in every_store(project)
            ]
            now = project.clock.now()
            measured = measure_age(stores, project.ref, now)
            proven = newest_proof(stores, project.ref, now)
    except SupakeepError as exc:
        observability.report_failure(logger, metrics, "Measurement", exc, "Prune")
        return {"newest_good_at": None}
    newest = measured.newest_good_at
    if newest is not None:
        _count_age_since(project, newest)
    if proven is not None:
        observability.count_newest_proof(metrics, max(0.0, (now - proven.at).total_seconds()))
    observability.count_differing_backups(metrics, measured.differing)
    return {"newest_good_at": newest and newest.isoformat()}


def _run(project: ServedProject, event: dict[str, Any], context: Any) -> tuple[Run, bool]:
    if runtime.is_schedule(event):
        scheduled_at = runtime.parse_event(ScheduleEvent, event).scheduled_at
        run_id = new_run_id(scheduled_at, "prune")
        return runtime.new_run(project, RunKind.PRUNE, Trigger.SCHEDULE, run_id, context), False
    asked = runtime.parse_event(PruneInvocation, event)
    run = runtime.new_run(project, RunKind.PRUNE, asked.trigger, asked.run_id, context)
    return run.model_copy(update={"after": asked.after}), asked.dry_run


def _count(project: ServedProject, run: Run) -> None:
    """The age of the newest good backup, and how many backups differ between the stores."""
    if not isinstance(run.result, PruneReport):
        return
    observability.count_differing_backups(metrics, len(run.result.differing))
    if run.result.newest_good_at is not None:
        _count_age_since(project, run.result.newest_good_at)


def _count_age_since(project: ServedProject, at: dt.datetime) -> None:
    age = project.clock.now() - at
    observability.count_newest_good_backup(metrics, max(0.0, age.total_seconds()))


lambda_handler = create_handler(runtime.Projects.from_environment())
