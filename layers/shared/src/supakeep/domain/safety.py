"""Is my data safe? What was found, how bad it is, and the one thing to do about it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict

from supakeep.domain.api_key import ApiKey
from supakeep.domain.key_ends import key_ends
from supakeep.domain.manifest import Manifest, TableStatus, Trigger
from supakeep.domain.manifest_parts import Problem
from supakeep.domain.proof import ProvenRestore
from supakeep.domain.retention import StoredBackup, is_of_the_future
from supakeep.domain.run import Run, RunKind, RunStatus
from supakeep.domain.schedule import Schedule
from supakeep.domain.untrusted import Distrust, Untrusted

Level = Literal["ok", "note", "warn", "fail"]
_BADNESS: Mapping[Level, int] = {"ok": 0, "note": 0, "warn": 1, "fail": 2}
_FEW = 3

FUTURE_ADVICE = (
    "It never counts as the newest. Either the clock was wrong that it was made by, or somebody else "
    "made it: look at it with `supakeep show`."
)


class Finding(BaseModel):
    """One thing that was looked at. A `note` is worth knowing, and makes nothing worse."""

    model_config = ConfigDict(frozen=True)

    level: Level
    sentence: str
    advice: str | None = None


@dataclass(frozen=True)
class Situation:
    """What a verdict is based on: the backups newest first, those that cannot be trusted, the stores
    that did not answer, the newest runs newest first, and what the settings ask for. `proven` is the
    drill that has last shown that a backup restores, None where none has. `keys` are those of the API.
    """

    now: dt.datetime
    backups: Sequence[StoredBackup]
    untrusted: Mapping[str, Untrusted]
    unreachable: Mapping[str, Problem]
    runs: Sequence[Run]
    stores: Sequence[str]
    schedules: Sequence[Schedule]
    max_age_hours: int
    proven: ProvenRestore | None = None
    keys: Sequence[ApiKey] = ()

    @property
    def made(self) -> list[StoredBackup]:
        """The backups without those that are dated in the future, which say nothing on the present."""
        return [b for b in self.backups if not is_of_the_future(b.manifest, self.now)]

    @property
    def of_the_future(self) -> list[Manifest]:
        return [b.manifest for b in self.backups if is_of_the_future(b.manifest, self.now)]

    @property
    def newest(self) -> Manifest | None:
        """The newest backup, good or not; a copy kept for an undo does not count."""
        manifests = (backup.manifest for backup in self.made)
        return next((m for m in manifests if m.trigger is not Trigger.PRE_RESTORE), None)

    @property
    def newest_good(self) -> StoredBackup | None:
        return next((backup for backup in self.made if backup.manifest.is_good), None)

    @property
    def recovery_seconds(self) -> int | None:
        """How long the rows of the newest good backup would take to come back, by the newest proof."""
        if self.proven is None or self.newest_good is None:
            return None
        return self.proven.seconds_for(self.newest_good.manifest.rows)

    @property
    def last_backup_run(self) -> Run | None:
        """The newest backup run that has ended."""
        return self.last_run(RunKind.BACKUP)

    def last_run(self, kind: RunKind) -> Run | None:
        """The newest run of this kind that has ended.

        Runs are listed by their IDs, which do not say which of one second came first.
        """
        ended = (run for run in self.runs if run.kind is kind and run.status.is_final)
        started = (run for run in ended if run.status is not RunStatus.WITHDRAWN)
        return max(started, key=lambda run: run.requested_at, default=None)

    @property
    def running(self) -> list[Run]:
        return [run for run in self.runs if not run.status.is_final]

    @property
    def last_scheduled_at(self) -> dt.datetime | None:
        """When a schedule, this stack's or another, last asked for a backup."""
        backups = (run for run in self.runs if run.kind is RunKind.BACKUP)
        scheduled = (run.requested_at for run in backups if run.trigger is Trigger.SCHEDULE)
        return next(scheduled, None)


def assess(situation: Situation) -> list[Finding]:
    """Everything that was found, the worst first. The first one is the verdict."""
    findings = [
        *_age(situation),
        *_last_run(situation),
        *_incomplete(situation),
        *_shrunk(situation),
        *_copies(situation),
        *_unreachable(situation),
        *_untrusted(situation),
        *_future(situation),
        *_schedule(situation),
        *_uncovered(situation),
        _drills(situation),
        *_failed_drill(situation),
        *_keys(situation),
    ]
    return sorted(findings, key=lambda finding: -_BADNESS[finding.level])


def verdict(findings: Sequence[Finding]) -> Finding:
    """The worst finding; where all is well, that is the newest backup's age."""
    return findings[0]


def _age(situation: Situation) -> Iterator[Finding]:
    newest, limit = situation.newest_good, situation.max_age_hours
    if newest is None:
        yield Finding(level="fail", sentence=_none_sentence(situation), advice=_advice(situation))
        return
    age = situation.now - newest.manifest.started_at
    if age > dt.timedelta(hours=limit):
        sentence = f"The newest good backup is {_words(age)} old; {limit} hours are allowed."
        yield Finding(level="fail", sentence=sentence, advice=_advice(situation))
        return
    places = " and ".join(newest.stores)
    sentence = f"Your data is safe: the newest good backup is {_words(age)} old and is in {places}."
    yield Finding(level="ok", sentence=sentence)


def _none_sentence(situation: Situation) -> str:
    if situation.backups:
        return "No backup is good: each of them lacks a table, or rows of one."
    return "There is no backup yet." if not situation.unreachable else "No backup can be read."


def _advice(situation: Situation) -> str:
    """What to do where there is no good backup, or none that is new enough."""
    last = situation.last_backup_run
    if situation.unreachable and not situation.backups:
        problem = next(iter(situation.unreachable.values()))
        return f"{problem.message}. {problem.hint or ''}".strip()
    if any(run.kind is RunKind.BACKUP for run in situation.running):
        return "A backup is at work: wait for its end."
    if last is not None and last.status is RunStatus.FAILED and last.error is not None:
        return f"The last backup failed: {last.error.message}. {last.error.hint or ''}".strip()
    return "Start a backup now."


def _last_run(situation: Situation) -> Iterator[Finding]:
    """A backup that failed after the newest good one, which is still new enough."""
    last, newest = situation.last_backup_run, situation.newest_good
    if newest is None or last is None or last.error is None:
        return
    if last.requested_at > newest.manifest.started_at:
        sentence = (
            f"The last backup, of {_moment(last.requested_at)}, failed: {last.error.message}."
        )
        advice = last.error.hint or "Start it again."
        yield Finding(level="warn", sentence=sentence, advice=advice)


def _incomplete(situation: Situation) -> Iterator[Finding]:
    """Tables that the newest backup lacks."""
    newest = situation.newest
    if newest is None:
        return
    failed = [entry for entry in newest.tables if entry.status is not TableStatus.COMPLETE]
    if failed:
        error = failed[0].error
        sentence = f"The newest backup lacks {_few([entry.name for entry in failed])}."
        if error is not None:
            sentence = f"{sentence} {error.message}."
        advice = error.hint if error is not None else None
        yield Finding(level="warn", sentence=sentence, advice=advice or "Start a backup again.")


def _shrunk(situation: Situation) -> Iterator[Finding]:
    """Tables of the newest backup that lost too many rows."""
    newest = situation.newest
    if newest is not None and newest.shrinkage:
        first, others = newest.shrinkage[0], len(newest.shrinkage) - 1
        sentence = f"The newest backup does not count as good: {first.message}."
        if others:
            names = [shrinkage.table or "" for shrinkage in newest.shrinkage[1:]]
            sentence = f"{sentence} {_few(names)} lost rows, too."
        yield Finding(level="warn", sentence=sentence, advice=first.hint)


def _copies(situation: Situation) -> Iterator[Finding]:
    newest = situation.newest_good
    if len(situation.stores) == 1:
        yield Finding(
            level="warn",
            sentence="Every backup is in one place only.",
            advice="Set MIRROR_S3_BUCKET (CreateMirrorBucket): backups in the project die with it.",
        )
    elif newest is not None:
        missing = [s for s in situation.stores if s not in newest.stores]
        # one that does not answer is reported by itself
        for store in (s for s in missing if s not in situation.unreachable):
            error = newest.manifest.copy_problems.get(store)
            reason = (error.message, error.hint) if error else ()
            steps = [*reason, f"Run `supakeep copy latest --to {store}`"]
            yield Finding(
                level="warn",
                sentence=f"The newest good backup has no copy in {store}.",
                advice=". ".join(step.rstrip(".") for step in steps if step) + ".",
            )


def _unreachable(situation: Situation) -> Iterator[Finding]:
    for store, problem in situation.unreachable.items():
        sentence = f"The backups in {store} could not be listed: {problem.message}."
        advice = problem.hint or "Try again in a minute."
        yield Finding(level="warn", sentence=sentence, advice=advice)


def _untrusted(situation: Situation) -> Iterator[Finding]:
    """For each reason not to believe a backup the first one that has it, and how many more have."""
    for state in Distrust:
        found = [u for u in situation.untrusted.items() if u[1].state is state]
        if found:
            name, problem = found[0]
            sentence = f"{name} ({problem.label}): {problem.message}.{_more(found, problem.label)}"
            level: Level = "fail" if state is Distrust.DIFFERING else "warn"
            advice = problem.hint or "Use another backup. A prune does not remove this one."
            yield Finding(level=level, sentence=sentence, advice=advice)


def _more(found: Sequence[object], label: str) -> str:
    others = len(found) - 1
    return f" So {'is' if others == 1 else 'are'} {others:,} more ({label})." if others else ""


def _future(situation: Situation) -> Iterator[Finding]:
    for manifest in situation.of_the_future[:1]:
        others = len(situation.of_the_future) - 1
        more = f", and so {'is' if others == 1 else 'are'} {others:,} more" if others else ""
        yield Finding(
            level="warn",
            sentence=f"{manifest.backup} is dated in the future ({_moment(manifest.started_at)}){more}.",
            advice=FUTURE_ADVICE,
        )


def _schedule(situation: Situation) -> Iterator[Finding]:
    """No schedule, and nothing else that starts backups in its place."""
    backup = next((s for s in situation.schedules if s.kind == "backup"), None)
    if backup is None or backup.enabled:
        return
    last = situation.last_scheduled_at
    limit = dt.timedelta(hours=situation.max_age_hours)
    if last is None or situation.now - last > limit:
        yield Finding(
            level="warn",
            sentence="The backup schedule is off, and nothing calls /api/cron/backup instead.",
            advice="Deploy with BackupScheduleState=ENABLED, or let a scheduler call that route.",
        )


def _uncovered(situation: Situation) -> Iterator[Finding]:
    newest = situation.newest
    if newest is not None and newest.uncovered_tables:
        count = len(newest.uncovered_tables)
        number = "1 table is" if count == 1 else f"{count:,} tables are"
        yield Finding(
            level="note",
            sentence=f"{number} not backed up: {_few(newest.uncovered_tables)}.",
            advice="Add to supakeep.toml what you could not lose.",
        )


def _drills(situation: Situation) -> Finding:
    """How old a proof may be, the alarm on drills decides."""
    if situation.proven is None:
        return Finding(
            level="note",
            sentence="No drill has proven yet that a backup restores.",
            advice="Start one: `supakeep drill`, or POST /api/admin/drills.",
        )
    age = situation.now - situation.proven.at
    return Finding(level="ok", sentence=f"A drill proved {_words(age)} ago that a backup restores.")


def _failed_drill(situation: Situation) -> Iterator[Finding]:
    """A drill that failed, or broke off and so says nothing about the backup, and nothing was proven since."""
    last, proven = situation.last_run(RunKind.DRILL), situation.proven
    if last is None or last.error is None or (proven and proven.at > last.ended_at):
        return
    age = _words(situation.now - last.ended_at)
    end = "broke off" if last.result is None or last.result.is_whole else "failed"
    sentence = f"The last drill {end} {age} ago: {last.error.message}."
    yield Finding(level="warn", sentence=sentence, advice=last.error.hint)


def _keys(situation: Situation) -> Iterator[Finding]:
    if ends := key_ends(situation.keys, situation.now):
        yield Finding(level="warn", sentence=f"{ends.message}.", advice=ends.advice)


def _few(names: Sequence[str]) -> str:
    shown, rest = names[:_FEW], len(names) - _FEW
    return ", ".join(shown) + (f" and {rest} more" if rest > 0 else "")


def _moment(at: dt.datetime) -> str:
    return f"{at.astimezone(dt.UTC):%Y-%m-%d %H:%M} UTC"


def _words(age: dt.timedelta) -> str:
    """`5 minutes`, `1 hour`, `3 days`: one unit, rounded down."""
    seconds = max(0, int(age.total_seconds()))
    for unit, length in (("day", 86_400), ("hour", 3600), ("minute", 60)):
        # the larger units begin at two, so that 26 hours are not called a day
        if seconds >= length * (2 if unit == "day" else 1):
            number = seconds // length
            return f"{number} {unit}{'' if number == 1 else 's'}"
    return "less than a minute"
