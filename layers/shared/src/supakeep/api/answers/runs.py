"""Runs as the API answers them."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from pydantic import BaseModel

from supakeep.domain.manifest import Problem, Trigger
from supakeep.domain.run import RunKind, RunResult, RunStatus


class Accepted(BaseModel):
    """202: the work goes on; `status_url` shows how far it is."""

    run_id: str
    name: str | None
    status: str
    status_url: str


class RunTable(BaseModel):
    """How far one table is. `rows_expected` is what the last good backup or, for a restore and a
    verify, the backup itself has; None where neither says. A table that is expected and has not
    begun is `waiting`.
    """

    rows: int
    rows_expected: int | None
    status: Literal["waiting", "running", "complete", "failed"]


class RunPace(BaseModel):
    """How fast a run at work is. `rows_per_second` is the mean of the present phase; `seconds_left`
    is None until a rate and the expected rows are known.
    """

    phase: str | None
    rows: int
    rows_expected: int | None
    rows_per_second: float | None
    seconds_left: int | None


class UndoOffer(BaseModel):
    """Whether a restore can be undone; `reason` says why not."""

    possible: bool
    reason: str | None


class RunAnswer(BaseModel):
    """GET /api/admin/runs/{id}. `started_by` is `trigger` in words. `pace` is None unless the run is
    at work, `undo` unless it is a restore. `log_url` opens the function's log in the CloudWatch
    console from the run's start on; None where it did not run in AWS.
    """

    id: str
    kind: RunKind
    trigger: Trigger
    started_by: str
    status: RunStatus
    backup: str | None
    requested_at: dt.datetime
    started_at: dt.datetime | None
    heartbeat_at: dt.datetime | None
    finished_at: dt.datetime | None
    duration_seconds: int | None
    attempt: int
    tables: dict[str, RunTable]
    pace: RunPace | None
    result: RunResult | None
    error: Problem | None
    undo: UndoOffer | None
    log_url: str | None


class RunList(BaseModel):
    """GET /api/admin/runs, newest first. `next` is what to pass as `before` for the page that
    follows, None on the last one.
    """

    runs: list[RunAnswer]
    next: str | None
