"""Runs as the API answers them."""

from __future__ import annotations

import datetime as dt
from typing import Self

from supakeep.api.answers.answer import Answer
from supakeep.api.log_links import log_url
from supakeep.domain.engine import Engine
from supakeep.domain.manifest import Trigger
from supakeep.domain.manifest_parts import Problem
from supakeep.domain.restore import RestoreReport
from supakeep.domain.run import Run, RunKind, RunResult, RunStatus
from supakeep.domain.run_pace import RunPace, RunTable, tables_of


class Accepted(Answer):
    """202: the work goes on; `status_url` shows how far it is."""

    run_id: str
    name: str | None
    status: str
    status_url: str


NO_UNDO = "The rest engine cannot undo a restore; set SUPABASE_DB_URL for one that can"


class UndoOffer(Answer):
    """Whether a restore can be undone; `reason` says why not."""

    possible: bool
    reason: str | None

    @classmethod
    def of(cls, run: Run, engine: Engine) -> Self | None:
        """None for a run that is not a restore, or has written nothing."""
        if run.kind is not RunKind.RESTORE or not run.status.is_final:
            return None
        reason = _why_not_undone(run, engine)
        return cls(possible=reason is None, reason=reason)


class RunAnswer(Answer):
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
    invocation: str | None
    tables: dict[str, RunTable]
    pace: RunPace | None
    result: RunResult | None
    error: Problem | None
    undo: UndoOffer | None
    log_url: str | None

    @classmethod
    def of(cls, run: Run, engine: Engine, region: str | None) -> Self:
        """`region` is where AWS's console has the logs, None outside AWS."""
        return cls(
            **{**dict(run), "tables": tables_of(run)},
            started_by=run.started_by,
            duration_seconds=run.duration_seconds,
            pace=RunPace.of(run) if run.status is RunStatus.RUNNING else None,
            undo=UndoOffer.of(run, engine),
            log_url=log_url(run, region),
        )


class RunList(Answer):
    """GET /api/admin/runs, newest first. `next` is what to pass as `before` for the page that
    follows, None on the last one.
    """

    runs: list[RunAnswer]
    next: str | None


def _why_not_undone(run: Run, engine: Engine) -> str | None:
    result = run.result if isinstance(run.result, RestoreReport) else None
    if result is not None and result.dry_run:
        return "It was a dry run, which wrote nothing"
    if not engine.can_undo:
        return NO_UNDO
    if result is None:
        return "It has no report: nothing was written, or it is not known what"
    if result.undo_backup is None:
        return "No undo copy was kept before it (keep_undo was false)"
    return None
