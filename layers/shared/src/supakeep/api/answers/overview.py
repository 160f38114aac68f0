"""The overview: whether the data is safe."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from pydantic import BaseModel

from supakeep.api.answers.runs import RunAnswer
from supakeep.domain.manifest import Problem

Level = Literal["ok", "warn", "fail"]


class FindingAnswer(BaseModel):
    """One thing that was looked at: what was found, and what to do about it."""

    level: Level
    sentence: str
    advice: str | None


class ScheduleAnswer(BaseModel):
    """A schedule. `words` describe it; `next_at` is None where it is off, unknown or over."""

    kind: Literal["backup", "prune"]
    expression: str
    words: str
    enabled: bool
    next_at: dt.datetime | None


class NewestBackup(BaseModel):
    """The newest good backup. Its age is counted from `started_at`, when the data was read."""

    name: str
    started_at: dt.datetime
    age_seconds: int
    rows: int
    size_bytes: int
    locations: tuple[str, ...]


class Day(BaseModel):
    """One day in UTC. `pending`: today, without a backup so far. `missing`: no backup is there, and
    retention would have kept it.
    """

    date: dt.date
    status: Literal["good", "partial", "missing", "pending"]
    backups: int


class Overview(BaseModel):
    """GET /api/admin/overview. `level`, `sentence` and `advice` are those of the worst finding; the
    first of `findings` has them, too. `days` go back to the oldest backup, five weeks at most.
    `restore_proven_at` is None until a drill has restored a backup.
    """

    project: str
    now: dt.datetime
    level: Level
    sentence: str
    advice: str | None
    findings: list[FindingAnswer]
    newest_good: NewestBackup | None
    max_age_hours: int
    schedules: list[ScheduleAnswer]
    restore_proven_at: dt.datetime | None
    running: list[RunAnswer]
    last_backup_run: RunAnswer | None
    backups: int
    days: list[Day]
    problems: dict[str, Problem]
