"""What a person is told of the end of a run. It never holds a value of a row, or a secret."""

from __future__ import annotations

import datetime as dt

from pydantic import BaseModel, ConfigDict

from supakeep.domain.audit_log import actor_of, detail_of
from supakeep.domain.manifest_parts import Problem
from supakeep.domain.run import Run, RunKind, RunStatus

_WORDS = {RunStatus.COMPLETE: "is complete", RunStatus.PARTIAL: "is partial"}


class Audience(BaseModel):
    """Who is told how runs end, in words and without a URL, which is a secret. Where settings are wrong,
    `problems` says so, and nobody is told.
    """

    model_config = ConfigDict(frozen=True)

    listeners: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()


class Notice(BaseModel):
    """`event` is `<kind>.<status>`. `detail` is what was done in names and numbers, and `advice` what to do
    now. The message of an error is left out: the run has it.
    """

    model_config = ConfigDict(frozen=True)

    event: str
    project: str
    run: str
    kind: RunKind
    status: RunStatus
    backup: str | None
    at: dt.datetime
    asked_for_by: str
    title: str
    detail: str | None
    advice: str

    @property
    def is_trouble(self) -> bool:
        return self.status is not RunStatus.COMPLETE

    @property
    def text(self) -> str:
        """All of it, on lines."""
        lines = (self.title, self.detail, f"What to do: {self.advice}")
        return "\n".join(line for line in lines if line)


def notice_of(run: Run, project: str) -> Notice:
    words = _WORDS.get(run.status, str(run.status))
    return Notice(
        event=f"{run.kind}.{run.status}",
        project=project,
        run=run.id,
        kind=run.kind,
        status=run.status,
        backup=run.backup,
        at=run.ended_at,
        asked_for_by=actor_of(run).name,
        title=f"Supakeep: the {run.kind} of {project} {words}",
        detail=detail_of(run.result),
        advice=_advice(run),
    )


def _advice(run: Run) -> str:
    look = f"`supakeep runs {run.id}`"
    if run.status is RunStatus.COMPLETE:
        return f"nothing. {look} has the report."
    if run.status is RunStatus.PARTIAL:
        return f"look at {look}, which names what is missing and how to fix it."
    hint = run.error.hint if run.error is not None else None
    return " ".join(part for part in (hint, f"{look} says what went wrong.") if part)
