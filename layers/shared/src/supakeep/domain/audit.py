"""What a period's backups and drills show to somebody who audits them, and what they do not show."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from supakeep.domain.ledger import StoredDrill
from supakeep.domain.manifest import Trigger
from supakeep.domain.manifest_parts import Problem

_DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class AuditedBackup:
    """One backup of the period. `stores` hold it and `lacking` do not; `state` is its status, or why it
    is not believed; `drills` are those of this very backup, oldest first.
    """

    name: str
    project: str
    started_at: dt.datetime
    state: str
    is_good: bool
    trigger: str | None = None
    rows: int | None = None
    size_bytes: int | None = None
    is_encrypted: bool = False
    signed_by: str | None = None
    stores: tuple[str, ...] = ()
    lacking: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    drills: tuple[StoredDrill, ...] = ()

    @property
    def proof(self) -> StoredDrill | None:
        """The drill that has proven most, the newest of several; one that proves the backup as a whole
        before one of some of its tables.
        """
        ended = [drill for drill in self.drills if drill.entry.report.says_something]
        return max(ended, key=_proves, default=None)

    @property
    def is_proven(self) -> bool:
        """Whether a drill has shown that it restores."""
        return any(drill.entry.report.restores for drill in self.drills)


@dataclass(frozen=True)
class Audit:
    """The backups and drills of `projects` from `since` until `made_at`, newest first. `problems` are
    those of the ledger, and of stores that could not be read.
    """

    projects: tuple[str, ...]
    since: dt.date
    made_at: dt.datetime
    stores: tuple[str, ...]
    backups: tuple[AuditedBackup, ...]
    drills: tuple[StoredDrill, ...]
    ledger_entries: int
    newest_entry: StoredDrill | None
    problems: tuple[Problem, ...] = field(default=())

    @property
    def is_whole(self) -> bool:
        """Whether everything could be read and believed."""
        return not self.problems

    @property
    def gaps(self) -> tuple[str, ...]:
        """What is not as it should be, a sentence each."""
        return tuple(_gaps(self))


def _proves(drill: StoredDrill) -> tuple[bool, bool, int, str]:
    report = drill.entry.report
    return report.restores, report.portion is None, report.height, drill.key


def _gaps(audit: Audit) -> Iterator[str]:
    for project in audit.projects:
        backups = [backup for backup in audit.backups if backup.project == project]
        yield from _days_without(project, backups, audit)
        yield from _unproven(project, backups)
    for backup in audit.backups:
        if backup.lacking:
            yield f"{backup.name} is missing in {' and '.join(backup.lacking)}"
        # what a restore kept holds only what it overwrote
        if not backup.is_good and backup.trigger != Trigger.PRE_RESTORE:
            yield f"{backup.name} is not a good backup: {'; '.join((backup.state, *backup.problems))}"
    for drill in audit.drills:
        for problem in drill.entry.report.problems:
            yield f"The drill of {drill.entry.backup.name} at {_minute(drill)} failed: {problem.message}"
        if broken := drill.entry.report.broken_off:
            yield (
                f"The drill of {drill.entry.backup.name} at {_minute(drill)} broke off at the rung {broken.rung}, "
                f"which says nothing about the backup: {broken.problem.message}"
            )


def _days_without(project: str, backups: Sequence[AuditedBackup], audit: Audit) -> Iterator[str]:
    """Runs of whole days, in UTC, from which no store holds a good backup."""
    good = {backup.started_at.astimezone(dt.UTC).date() for backup in backups if backup.is_good}
    today = audit.made_at.astimezone(dt.UTC).date()
    edges = [audit.since - _DAY, *sorted(day for day in good if day < today), today]
    for before, after in pairwise(edges):
        days = (after - before).days - 1
        if days == 1:
            yield f"{project}: no store holds a good backup of {before + _DAY}"
        elif days > 1:
            last = after - _DAY
            yield f"{project}: no store holds a good backup of the {days:,} days from {before + _DAY} to {last}"


def _unproven(project: str, backups: Sequence[AuditedBackup]) -> Iterator[str]:
    good = [backup for backup in backups if backup.is_good]
    unproven = [backup for backup in good if not backup.is_proven]
    if unproven:
        yield (
            f"{project}: {len(unproven):,} of {len(good):,} good backups are not shown to restore by a drill"
        )


def _minute(drill: StoredDrill) -> str:
    return f"{drill.entry.recorded_at.astimezone(dt.UTC):%Y-%m-%d %H:%M}"
