"""What the three handlers share: the project, kept warm, and one way to carry out a run."""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self, TypeVar

# boto3 and aws.secrets: each execution environment reads its secret before it answers anything. So they are
# loaded while Lambda starts the function, with more of the processor than a request has (docs/adr/0015).
import boto3  # noqa: F401
from aws_lambda_powertools import Logger, Metrics
from pydantic import BaseModel, ValidationError

import supakeep.aws.secrets  # noqa: F401
from supakeep.api.observability import report_failure, report_run
from supakeep.api.request import ServedProject
from supakeep.aws.dispatch import LambdaDeadline
from supakeep.domain.manifest import Trigger
from supakeep.domain.run import Run, RunKind, new_run_id
from supakeep.errors import InvalidRequestError, SupakeepError
from supakeep.ports import Deadline, TimeLimit
from supakeep.retries import patience
from supakeep.system import look_for_garbage_rarely
from supakeep.usecases.audited_run import audited
from supakeep.usecases.project import Project
from supakeep.wiring import FOR_ANSWERS, FOR_WORK, SupabaseProject, Timeouts

log = logging.getLogger(__name__)

# a rotated key is in use after this long
_PROJECT_SECONDS = 300

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True)
class Projects:
    """The project as a function is given it: with the timeouts of answers, and with those of work."""

    for_answers: Callable[[], ServedProject]
    for_work: Callable[[], ServedProject]

    @classmethod
    def from_environment(cls) -> Self:
        look_for_garbage_rarely()
        return cls(WarmProject(FOR_ANSWERS), WarmProject(FOR_WORK))


class WarmProject:
    """The project of this execution environment, built again when it is too old."""

    def __init__(self, timeouts: Timeouts) -> None:
        self._timeouts = timeouts
        self._project: SupabaseProject | None = None
        self._built_at = 0.0

    def __call__(self) -> SupabaseProject:
        if self._project is None or time.monotonic() - self._built_at > _PROJECT_SECONDS:
            self._project = SupabaseProject.from_environment(os.environ, self._timeouts)
            self._built_at = time.monotonic()
        return self._project


def ready(project: Callable[[], ServedProject]) -> ServedProject:
    """The project; where its settings are wrong, the log says how to fix them."""
    try:
        return project()
    except SupakeepError as error:
        log.exception("%s. %s", error.message, error.hint)
        raise


def is_http(event: dict[str, Any]) -> bool:
    """Whether the HTTP API sent the event (payload format 2.0)."""
    return "http" in event.get("requestContext", {})


def is_schedule(event: dict[str, Any]) -> bool:
    """Whether a schedule sent the event; a direct invocation has no `source`."""
    return "source" in event


def is_measurement(event: dict[str, Any]) -> bool:
    """Whether a schedule asks for the age of the newest good backup."""
    return is_schedule(event) and event.get("action") == "measure"


def parse_event(model: type[M], event: dict[str, Any]) -> M:
    """Raises InvalidRequestError, naming the field, for an event that is not of this shape."""
    try:
        return model.model_validate_json(json.dumps(event))
    except ValidationError as exc:
        problem = exc.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in problem["loc"])
        raise InvalidRequestError(
            f"The event is not valid: {where}: {problem['msg']}",
            operation="read event",
            key=where,
            hint="events/ holds a valid event for every trigger.",
        ) from None


def deadline_of(context: Any) -> TimeLimit:
    """The deadline that the timeout of this invocation sets."""
    return LambdaDeadline(context.get_remaining_time_in_millis)


def new_run(
    project: Project, kind: RunKind, trigger: Trigger, run_id: str | None, context: Any
) -> Run:
    """The run that an event is about; without an id, it is a new one."""
    now = project.clock.now()
    return Run(
        id=run_id or new_run_id(now),
        kind=kind,
        trigger=trigger,
        requested_at=now,
        invocation=context.aws_request_id,
        log_group=context.log_group_name,
    )


def carry_out(
    project: ServedProject,
    run: Run,
    logger: Logger,
    metrics: Metrics,
    work: Callable[[], Run],
    *,
    deadline: Deadline,
) -> Run:
    """Does the work of a run, logs, counts and audits its end, tells of it, and lets a failure escape.
    Nothing is tried again past the deadline.
    """
    scope = _scope_of(run)
    try:
        with patience(deadline=deadline):
            ended = audited(project, run, work, notifier=project.notifier)
    except Exception as exc:
        report_failure(logger, metrics, run.kind, exc, scope)
        raise
    report_run(logger, metrics, ended, scope)
    return ended


def _scope_of(run: Run) -> str:
    """The name that the run has in logs and metrics."""
    if run.kind is not RunKind.BACKUP:
        return run.kind.value.title()
    return "Backup:Cron" if run.trigger is Trigger.SCHEDULE else "Backup:Manual"
