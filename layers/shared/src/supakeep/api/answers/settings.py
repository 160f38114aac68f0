"""The settings as they are deployed, without any secret."""

from __future__ import annotations

import platform
from typing import Self

from supakeep import __version__
from supakeep.api.answers.answer import Answer
from supakeep.api.answers.overview import ScheduleAnswer
from supakeep.api.answers.runs import NO_UNDO
from supakeep.domain.copy_policy import CopyPolicy
from supakeep.domain.engine import Consistency, Engine, EngineName
from supakeep.domain.manifest import FORMAT
from supakeep.domain.notice import Audience
from supakeep.domain.policy import AlarmPolicy, BackupPolicy, TablePatterns
from supakeep.domain.retention_policy import RetentionPolicy
from supakeep.domain.row_changes import RestoreMode
from supakeep.settings import Settings


class CopyAnswer(Answer):
    """A copy beside the mirror: where it is, and how long it keeps backups, in words."""

    name: str
    url: str
    endpoint: str | None
    region: str | None
    retention: str

    @classmethod
    def of(cls, copy: CopyPolicy, policy: BackupPolicy) -> Self:
        return cls(
            name=copy.name,
            url=copy.url or "",
            endpoint=copy.endpoint,
            region=copy.region,
            retention=str(copy.retention or policy.retention),
        )


class ProjectAnswer(Answer):
    """`destination` is what a restore must be confirmed with. `mirror` is the S3 bucket."""

    ref: str
    url: str | None
    destination: str
    storage_bucket: str | None
    mirror: str | None
    copies: list[CopyAnswer]

    @classmethod
    def of(cls, settings: Settings, policy: BackupPolicy) -> Self:
        has_storage = settings.supabase_url is not None
        return cls(
            ref=settings.project_ref,
            url=settings.supabase_url,
            destination=settings.destination,
            storage_bucket=settings.backup_bucket if has_storage else None,
            mirror=settings.mirror_s3_bucket if has_storage else None,
            copies=[CopyAnswer.of(copy, policy) for copy in policy.copies if copy.url],
        )


class Ability(Answer):
    """Whether something can be done; `reason` says why not, and how to change that."""

    possible: bool
    reason: str | None


class ModeAnswer(Ability):
    """A restore mode; `meaning` is one sentence on what it does."""

    mode: RestoreMode
    meaning: str


_MEANINGS = {
    RestoreMode.MERGE: "Overwrites rows that have the same key, and inserts missing ones.",
    RestoreMode.MISSING_ONLY: "Inserts missing rows, and leaves all others as they are.",
    RestoreMode.REPLACE: "Makes the table as it was: overwrites, inserts, and deletes other rows.",
}


class EngineAnswer(Answer):
    """What the engine can do, for a page to say before a restore."""

    name: EngineName
    consistency: Consistency
    atomic: bool
    modes: list[ModeAnswer]
    undo: Ability
    into_schema: Ability

    @classmethod
    def of(cls, engine: Engine) -> Self:
        return cls(
            name=engine.name,
            consistency=engine.consistency,
            atomic=engine.atomic,
            modes=[_mode(mode, engine) for mode in RestoreMode],
            undo=Ability(possible=engine.can_undo, reason=None if engine.can_undo else NO_UNDO),
            into_schema=Ability(possible=True, reason=None),
        )


def _mode(mode: RestoreMode, engine: Engine) -> ModeAnswer:
    possible = mode in engine.modes
    reason = None if possible else "It needs a connection to the database: set SUPABASE_DB_URL"
    return ModeAnswer(mode=mode, meaning=_MEANINGS[mode], possible=possible, reason=reason)


class TableRule(Answer):
    """One table that the policy names, and which of its rows are backed up, in words."""

    name: str
    rows: str


class PolicyAnswer(Answer):
    """What `supakeep.toml` says; `patterns` choose tables beside the named ones, if any."""

    tables: list[TableRule]
    patterns: TablePatterns

    @classmethod
    def of(cls, policy: BackupPolicy) -> Self:
        rules = [TableRule(name=t.qualified_name, rows=str(t.policy)) for t in policy.table]
        return cls(tables=rules, patterns=policy.backup)


class RetentionAnswer(Answer):
    """The rules, and what they mean in words."""

    rules: RetentionPolicy
    words: str

    @classmethod
    def of(cls, rules: RetentionPolicy) -> Self:
        return cls(rules=rules, words=str(rules))


class Versions(Answer):
    """`format` is that of the backups it writes."""

    supakeep: str
    python: str
    format: str

    @classmethod
    def present(cls) -> Self:
        return cls(supakeep=__version__, python=platform.python_version(), format=FORMAT)


class SettingsAnswer(Answer):
    """GET /api/admin/settings. `alarms` is when a backup is not believed, and `notices` who is told how
    runs end.
    """

    project: ProjectAnswer
    engine: EngineAnswer
    policy: PolicyAnswer
    retention: RetentionAnswer
    schedules: list[ScheduleAnswer]
    max_backup_age_hours: int
    alarms: AlarmPolicy
    notices: Audience
    max_object_bytes: int
    versions: Versions
