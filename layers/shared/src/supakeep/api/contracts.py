"""What the functions take in: HTTP bodies, direct invocations, schedules."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from supakeep.domain.backup_name import LATEST
from supakeep.domain.manifest import Trigger
from supakeep.domain.restore import RestoreRequest
from supakeep.domain.row_changes import RestoreMode

Text = Annotated[str, StringConstraints(min_length=1, max_length=200)]
# who may ask for a run from outside
Requested = Literal[Trigger.API, Trigger.SCHEDULE]


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


_Confirmation = Annotated[
    Text | None,
    Field(
        description="The project's ref, or `<host>/<database>` if `SUPABASE_DB_URL` does not show the "
        "ref; with `into_schema`, `/<schema>` follows. A dry run needs none."
    ),
]
_Tables = Annotated[
    list[Text] | None,
    Field(
        min_length=1,
        max_length=1000,
        description="Only these tables; without it, those that the policy takes.",
    ),
]
_Copy = Annotated[
    Text | None,
    Field(
        description="Only this copy is read (`primary`, `mirror`, or the name of a `[[copy]]`); "
        "without it, see the route."
    ),
]


class RestoreBody(_Request):
    """POST /api/admin/restore."""

    name: Annotated[Text, Field(description="A backup's name, or `latest`.")]
    confirm: _Confirmation = None
    tables: _Tables = None
    dry_run: bool = Field(default=False, description="Counts what would change; writes nothing.")
    allow_other_project: bool = Field(
        default=False, description="Accepts a backup of another project."
    )
    read_from: _Copy = None
    mode: Annotated[
        RestoreMode,
        Field(
            strict=False, description="With `SUPABASE_DB_URL` also `missing-only` and `replace`."
        ),
    ] = RestoreMode.MERGE
    where: dict[Text, str] | None = Field(
        default=None,
        min_length=1,
        description="Only rows with these values; every restored table must have the columns.",
    )
    into_schema: Annotated[
        Text | None, Field(description="Writes into the tables of the same names in this schema.")
    ] = None
    ignore_dropped_columns: bool = Field(
        default=False,
        description="Leaves out the values of columns that the database no longer has.",
    )
    keep_undo: bool = Field(
        default=True,
        description="With `SUPABASE_DB_URL` the tables are backed up first, for an undo.",
    )
    users: Annotated[
        list[Text] | None,
        Field(
            min_length=1,
            max_length=1000,
            description="Restores users, which nothing else writes: `all`, or IDs and e-mail addresses. "
            "Without `tables`, nothing else is restored.",
        ),
    ] = None

    def request(self) -> RestoreRequest:
        fields = self.model_dump(include=set(RestoreRequest.model_fields))
        return RestoreRequest.model_validate(fields)


class UndoBody(_Request):
    """POST /api/admin/restore/undo."""

    run_id: Annotated[
        Text | None, Field(description="The restore's run; without it, the newest restore.")
    ] = None
    confirm: _Confirmation = None
    tables: _Tables = None
    dry_run: bool = Field(default=False, description="Counts what would change; writes nothing.")


class VerifyBody(_Request):
    """POST /api/admin/backups/{name}/verify; may be left out."""

    read_from: _Copy = None


class CopyBody(_Request):
    """POST /api/admin/backups/{name}/copy; may be left out."""

    to: Annotated[
        Text | None,
        Field(
            description="Only this store is made whole (`primary`, `mirror`, or the name of a "
            "`[[copy]]`); without it, every store."
        ),
    ] = None


class DrillBody(_Request):
    """POST /api/admin/drills; may be left out."""

    name: Annotated[
        Text, Field(description="A backup's name, `latest`, or `random` for any good one.")
    ] = LATEST


class PinBody(_Request):
    """PUT /api/admin/backups/{name}/pin; may be left out."""

    until: Annotated[
        dt.date | None,
        Field(
            strict=False,
            description="The last day, in UTC, on which the pin holds; without it, until it is removed.",
        ),
    ] = None


class BackupBody(_Request):
    """POST /api/admin/backup; may be left out."""

    accept_shrink: Annotated[
        list[Text],
        Field(
            max_length=1000,
            description="These tables may have lost any number of rows since the backup before. "
            "Names, or patterns such as `*`.",
        ),
    ] = []


class PruneBody(_Request):
    """POST /api/admin/prune; may be left out."""

    dry_run: bool = Field(
        default=False, description="Lists what would be removed; removes nothing."
    )


class BackupInvocation(BackupBody):
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


class CopyInvocation(CopyBody):
    """A direct invocation of the restore function that copies a backup."""

    action: Literal["copy"]
    name: Text
    run_id: Text | None = None


class DrillInvocation(DrillBody):
    """A direct invocation of the restore function that drills a backup; `trigger` is that of the backup
    that started it, and `after` that backup's run. A drill that goes on with the tables that the one before
    had no room or time for is `after` that drill, and number `continuation` of its kind.
    """

    action: Literal["drill"]
    after: Text | None = None
    continuation: Annotated[int, Field(ge=0)] = 0
    run_id: Text | None = None
    trigger: Requested = Trigger.API


class PruneInvocation(PruneBody):
    """A direct invocation of the prune function; `trigger` is that of the backup that started it, and
    `after` that backup's run.
    """

    action: Literal["prune"]
    after: Text | None = None
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
