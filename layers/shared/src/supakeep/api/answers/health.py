"""Whether backups are new enough, for programs that watch."""

from __future__ import annotations

import datetime as dt
from http import HTTPStatus
from typing import Self

from supakeep.api.answers.answer import Answer
from supakeep.api.answers.overview import ScheduleAnswer, schedules_of
from supakeep.domain.run import Run, RunKind, RunStatus
from supakeep.domain.safety import Level, Situation, assess, verdict

_MOST_FAILURES = 5


class CopyHealth(Answer):
    """One store. `is_behind`: it lacks the newest good backup, or could not be listed."""

    store: str
    newest_good_at: dt.datetime | None
    is_behind: bool

    @classmethod
    def of(cls, store: str, situation: Situation) -> Self:
        good = (b for b in situation.made if b.manifest.is_good and store in b.stores)
        newest, newest_here = situation.newest_good, next(good, None)
        return cls(
            store=store,
            newest_good_at=None if newest_here is None else newest_here.manifest.started_at,
            is_behind=newest is None or store not in newest.stores,
        )


class FailedRun(Answer):
    """A run that failed lately. `hint` says how to fix it; what went wrong is in the run itself, which
    a key with the scope `view` shows.
    """

    run: str
    kind: RunKind
    at: dt.datetime
    hint: str | None

    @classmethod
    def of(cls, run: Run) -> Self:
        hint = None if run.error is None else run.error.hint
        return cls(run=run.id, kind=run.kind, at=run.ended_at, hint=hint)


class Health(Answer):
    """GET /api/admin/health. `status`, `sentence` and `advice` are those of the overview's worst finding.
    Ages are in seconds, None where there is none.
    """

    status: Level
    sentence: str
    advice: str | None
    now: dt.datetime
    newest_good_at: dt.datetime | None
    newest_good_age_seconds: int | None
    max_age_seconds: int
    newest_proof_at: dt.datetime | None
    newest_proof_age_seconds: int | None
    copies: list[CopyHealth]
    copies_behind: int
    last_failures: list[FailedRun]
    next_runs: list[ScheduleAnswer]

    @classmethod
    def of(cls, situation: Situation) -> Self:
        worst = verdict(assess(situation))
        newest, proven = situation.newest_good, situation.proven
        good_at = None if newest is None else newest.manifest.started_at
        proof_at = None if proven is None else proven.at
        copies = [CopyHealth.of(store, situation) for store in situation.stores]
        failed = [run for run in situation.runs if run.status is RunStatus.FAILED]
        return cls(
            status=worst.level,
            sentence=worst.sentence,
            advice=worst.advice,
            now=situation.now,
            newest_good_at=good_at,
            newest_good_age_seconds=_age(good_at, situation.now),
            max_age_seconds=situation.max_age_hours * 3600,
            newest_proof_at=proof_at,
            newest_proof_age_seconds=_age(proof_at, situation.now),
            copies=copies,
            copies_behind=sum(copy.is_behind for copy in copies),
            last_failures=[FailedRun.of(run) for run in failed[:_MOST_FAILURES]],
            next_runs=schedules_of(situation.schedules, situation.runs, situation.now),
        )

    def http_status(self, *, strict: bool) -> HTTPStatus:
        """503 where something has failed; with `strict` also where something is to be done."""
        bad = ("warn", "fail") if strict else ("fail",)
        return HTTPStatus.SERVICE_UNAVAILABLE if self.status in bad else HTTPStatus.OK


def _age(at: dt.datetime | None, now: dt.datetime) -> int | None:
    return None if at is None else max(0, int((now - at).total_seconds()))
