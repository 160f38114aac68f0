"""The overview: whether the data is safe."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Literal, Self

from supakeep.api.answers.answer import Answer
from supakeep.api.answers.runs import RunAnswer
from supakeep.domain.backup_days import BackupDay, backup_days
from supakeep.domain.engine import Engine
from supakeep.domain.manifest_parts import Problem
from supakeep.domain.retention import StoredBackup
from supakeep.domain.run import Run
from supakeep.domain.safety import Finding, Level, Situation, assess, verdict
from supakeep.domain.schedule import Schedule


class ScheduleAnswer(Answer):
    """A schedule. `words` describe it; `next_at` is None where it is off, unknown or over."""

    kind: Literal["backup", "prune", "drill"]
    expression: str
    words: str
    enabled: bool
    next_at: dt.datetime | None

    @classmethod
    def of(cls, schedule: Schedule, now: dt.datetime, last_run_at: dt.datetime | None) -> Self:
        """`last_run_at` is when the schedule last started a run, which a rate is counted from."""
        return cls(
            kind=schedule.kind,
            expression=schedule.expression,
            words=schedule.words,
            enabled=schedule.enabled,
            next_at=schedule.next_after(now, last_run_at),
        )


class NewestBackup(Answer):
    """The newest good backup. Its age is counted from `started_at`, when the data was read."""

    name: str
    started_at: dt.datetime
    age_seconds: int
    rows: int
    size_bytes: int
    locations: tuple[str, ...]

    @classmethod
    def of(cls, backup: StoredBackup, now: dt.datetime) -> Self:
        manifest = backup.manifest
        return cls(
            name=manifest.backup,
            started_at=manifest.started_at,
            age_seconds=max(0, int((now - manifest.started_at).total_seconds())),
            rows=manifest.rows,
            size_bytes=manifest.size_bytes,
            locations=backup.stores,
        )


class Overview(Answer):
    """GET /api/admin/overview. `level` (never `note`), `sentence` and `advice` are those of the
    worst finding, which is the first of `findings`. `days` go back to the oldest backup, five weeks
    at most. `restore_proven_at` is None until a drill has restored a backup;
    `recovery_seconds` is how long the rows of the newest good backup would take by that drill's measure.
    """

    project: str
    now: dt.datetime
    level: Level
    sentence: str
    advice: str | None
    findings: list[Finding]
    newest_good: NewestBackup | None
    max_age_hours: int
    schedules: list[ScheduleAnswer]
    restore_proven_at: dt.datetime | None
    recovery_seconds: int | None
    running: list[RunAnswer]
    last_backup_run: RunAnswer | None
    backups: int
    days: list[BackupDay]
    problems: dict[str, Problem]

    @classmethod
    def of(cls, project: str, situation: Situation, engine: Engine, region: str | None) -> Self:
        """`region` is where AWS's console has the logs of runs, None outside AWS."""
        findings = assess(situation)
        worst = verdict(findings)
        newest, last = situation.newest_good, situation.last_backup_run

        def shown(run: Run) -> RunAnswer:
            return RunAnswer.of(run, engine, region)

        return cls(
            project=project,
            now=situation.now,
            level=worst.level,
            sentence=worst.sentence,
            advice=worst.advice,
            findings=findings,
            newest_good=None if newest is None else NewestBackup.of(newest, situation.now),
            max_age_hours=situation.max_age_hours,
            schedules=schedules_of(situation.schedules, situation.runs, situation.now),
            restore_proven_at=None if situation.proven is None else situation.proven.at,
            recovery_seconds=situation.recovery_seconds,
            running=[shown(run) for run in situation.running],
            last_backup_run=None if last is None else shown(last),
            backups=len(situation.backups),
            days=backup_days((b.manifest for b in situation.backups), situation.now),
            problems=dict(situation.unreachable),
        )


def schedules_of(
    schedules: Sequence[Schedule], runs: Sequence[Run], now: dt.datetime
) -> list[ScheduleAnswer]:
    """Each schedule with the next time at which it fires; `runs` are the newest, newest first."""
    return [ScheduleAnswer.of(s, now, _last_fired_at(s, runs)) for s in schedules]


def _last_fired_at(schedule: Schedule, runs: Sequence[Run]) -> dt.datetime | None:
    fired = (run for run in runs if run.is_of_the_schedule and run.kind.value == schedule.kind)
    return next((run.requested_at for run in fired), None)
