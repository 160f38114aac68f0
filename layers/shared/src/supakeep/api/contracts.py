"""What the functions take in: HTTP bodies, direct invocations, schedules."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from supakeep.domain.manifest import Trigger
from supakeep.domain.restore import RestoreRequest
from supakeep.domain.row_changes import RestoreMode

Text = Annotated[str, StringConstraints(min_length=1, max_length=200)]
# who may ask for a run from outside
Requested = Literal[Trigger.API, Trigger.SCHEDULE]


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class RestoreBody(_Request):
    """POST /api/admin/restore."""

    name: Text
    confirm: Text | None = None
    tables: list[Text] | None = Field(default=None, min_length=1, max_length=1000)
    dry_run: bool = False
    allow_other_project: bool = False
    read_from: Literal["primary", "mirror"] | None = None
    mode: Annotated[RestoreMode, Field(strict=False)] = RestoreMode.MERGE
    where: dict[Text, str] | None = Field(default=None, min_length=1)
    into_schema: Text | None = None
    ignore_dropped_columns: bool = False
    keep_undo: bool = True

    def request(self) -> RestoreRequest:
        fields = self.model_dump(include=set(RestoreRequest.model_fields))
        return RestoreRequest.model_validate(fields)


class UndoBody(_Request):
    """POST /api/admin/restore/undo. Without `run_id` it undoes the newest restore."""

    run_id: Text | None = None
    confirm: Text | None = None
    tables: list[Text] | None = Field(default=None, min_length=1, max_length=1000)
    dry_run: bool = False


class VerifyBody(_Request):
    """POST /api/admin/backups/{name}/verify; may be left out. Without `read_from`, every copy."""

    read_from: Literal["primary", "mirror"] | None = None


class BackupBody(_Request):
    """POST /api/admin/backup; may be left out, since there is nothing to choose."""


class PruneBody(_Request):
    """POST /api/admin/prune; may be left out."""

    dry_run: bool = False


class BackupInvocation(_Request):
    """A direct invocation of the backup function; `run_id` and `name` where the API accepted it."""

    action: Literal["backup"]
    run_id: Text | None = None
    name: Text | None = None
    trigger: Requested = Trigger.API


class RestoreInvocation(RestoreBody):
    """A direct invocation of the restore function."""

    action: Literal["restore"]
    run_id: Text | None = None
    passed_over: list[str] = []


class VerifyInvocation(VerifyBody):
    """A direct invocation of the restore function that verifies a backup."""

    action: Literal["verify"]
    name: Text
    run_id: Text | None = None


class PruneInvocation(PruneBody):
    """A direct invocation of the prune function; `trigger` is that of the backup that started it."""

    action: Literal["prune"]
    run_id: Text | None = None
    trigger: Requested = Trigger.API


class ScheduleEvent(BaseModel):
    """What the schedules send: an EventBridge Scheduler's input as template.yaml writes it, or the
    event of an EventBridge rule.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    source: Literal["supakeep.schedule", "aws.events"]
    scheduled_at: dt.datetime

    @model_validator(mode="before")
    @classmethod
    def _time_of_a_rule(cls, event: dict[str, object]) -> dict[str, object]:
        return {"scheduled_at": event.get("time"), **event}
