"""The settings as they are deployed, without any secret."""

from __future__ import annotations

import datetime as dt

from pydantic import BaseModel

from supakeep.api.answers.backups import CopyVerdict
from supakeep.api.answers.overview import ScheduleAnswer
from supakeep.domain.engine import Consistency, EngineName
from supakeep.domain.manifest import BackupStatus, Trigger
from supakeep.domain.policy import RetentionPolicy, TablePatterns
from supakeep.domain.row_changes import RestoreMode


class ProjectAnswer(BaseModel):
    """`destination` is what a restore must be confirmed with. `mirror` is the S3 bucket."""

    ref: str
    url: str | None
    destination: str
    storage_bucket: str | None
    mirror: str | None


class Ability(BaseModel):
    """Whether something can be done; `reason` says why not, and how to change that."""

    possible: bool
    reason: str | None


class ModeAnswer(Ability):
    """A restore mode; `meaning` is one sentence on what it does."""

    mode: RestoreMode
    meaning: str


class EngineAnswer(BaseModel):
    """What the engine can do, for a page to say before a restore."""

    name: EngineName
    consistency: Consistency
    atomic: bool
    modes: list[ModeAnswer]
    undo: Ability
    into_schema: Ability


class TableRule(BaseModel):
    """One table that the policy names, and which of its rows are backed up, in words."""

    name: str
    rows: str


class PolicyAnswer(BaseModel):
    """What `supakeep.toml` says; `patterns` choose tables beside the named ones, if any."""

    tables: list[TableRule]
    patterns: TablePatterns


class RetentionAnswer(BaseModel):
    """The rules, and what they mean in words."""

    rules: RetentionPolicy
    words: str


class Versions(BaseModel):
    """`format` is that of the backups it writes."""

    supakeep: str
    python: str
    format: str


class SettingsAnswer(BaseModel):
    """GET /api/admin/settings."""

    project: ProjectAnswer
    engine: EngineAnswer
    policy: PolicyAnswer
    retention: RetentionAnswer
    schedules: list[ScheduleAnswer]
    max_backup_age_hours: int
    max_object_bytes: int
    versions: Versions


class SimulatedBackup(BaseModel):
    """One backup under the rules that were asked about; `deployed_keeps` is today's verdict."""

    name: str
    started_at: dt.datetime
    status: BackupStatus
    trigger: Trigger
    size_bytes: int
    keep: bool
    deployed_keeps: bool
    copies: list[CopyVerdict]


class RetentionSimulation(BaseModel):
    """GET /api/admin/retention: what a prune would do now under these rules. Nothing is removed."""

    rules: RetentionPolicy
    words: str
    kept: int
    removed: int
    removed_bytes: int
    backups: list[SimulatedBackup]
