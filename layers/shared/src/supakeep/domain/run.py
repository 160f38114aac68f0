"""A run: one backup, restore, prune, verification, copy, deletion or erasure, from the request to its end."""

from __future__ import annotations

import datetime as dt
import re
import secrets
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from supakeep.domain.actor import Actor
from supakeep.domain.copy_report import CopyReport
from supakeep.domain.deletion import DeleteReport
from supakeep.domain.drill import DrillReport
from supakeep.domain.erasure import EraseReport
from supakeep.domain.lease import LEASE_SECONDS
from supakeep.domain.manifest import Trigger
from supakeep.domain.manifest_parts import Problem
from supakeep.domain.prune import PruneReport
from supakeep.domain.restore import RestoreReport
from supakeep.domain.summary import BackupSummary
from supakeep.domain.verification import VerificationReport
from supakeep.errors import InvalidRequestError, SupakeepError

# Lambda holds an asynchronous event for at most this long (template: MaximumEventAgeInSeconds).
QUEUE_SECONDS = 3600
# how long the record of a run is kept
RUN_RETENTION = dt.timedelta(days=30)

_FEW_TABLES = 100

_RUN_ID = re.compile(r"\d{8}T\d{6}Z-[a-z0-9]{4,32}", re.ASCII)


class RunKind(StrEnum):
    """What a run does; also the `action` of the invocation that carries it out."""

    BACKUP = "backup"
    RESTORE = "restore"
    PRUNE = "prune"
    VERIFY = "verify"
    COPY = "copy"
    DRILL = "drill"
    DELETE = "delete"
    ERASE = "erase"


class RunStatus(StrEnum):
    """`partial`: it ended, and left out a table, a row or a store, which its result names.
    `withdrawn`: it was not accepted after all, and will not start.
    """

    QUEUED = "queued"
    RUNNING = "running"
    COMPLETE = "complete"
    PARTIAL = "partial"
    FAILED = "failed"
    WITHDRAWN = "withdrawn"

    @property
    def is_final(self) -> bool:
        return self not in (RunStatus.QUEUED, RunStatus.RUNNING)


_BESIDE_THE_DATABASE = (RunKind.PRUNE, RunKind.VERIFY, RunKind.COPY, RunKind.DRILL)

RunResult = (
    BackupSummary
    | RestoreReport
    | PruneReport
    | VerificationReport
    | CopyReport
    | DrillReport
    | DeleteReport
    | EraseReport
)
_RESULTS: dict[RunKind, type[RunResult]] = {
    RunKind.BACKUP: BackupSummary,
    RunKind.RESTORE: RestoreReport,
    RunKind.PRUNE: PruneReport,
    RunKind.VERIFY: VerificationReport,
    RunKind.COPY: CopyReport,
    RunKind.DRILL: DrillReport,
    RunKind.DELETE: DeleteReport,
    RunKind.ERASE: EraseReport,
}


class TableProgress(BaseModel):
    """How far a table is: rows exported, or rows written."""

    model_config = ConfigDict(frozen=True)

    rows: int
    status: str


class Run(BaseModel):
    """One piece of work and what became of it.

    `id` sorts by time: `20261122T030000Z-schedule`. `heartbeat_at` is its last sign of life. `after`
    is the run whose end started this one, `requested_by` who asked for it.
    `invocation` is the ID that Lambda gives an event and keeps for its retries, `log_group` where that
    function logs; None outside Lambda. `expected_rows` is how many rows its tables will probably have.
    `result` is what the run's use case answered; None until it has ended well.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    kind: RunKind
    trigger: Trigger
    status: RunStatus = RunStatus.QUEUED
    backup: str | None = None
    requested_at: dt.datetime
    started_at: dt.datetime | None = None
    heartbeat_at: dt.datetime | None = None
    finished_at: dt.datetime | None = None
    attempt: int = 0
    after: str | None = None
    requested_by: Actor | None = None
    invocation: str | None = None
    log_group: str | None = None
    phase: str | None = None
    phase_started_at: dt.datetime | None = None
    expected_rows: dict[str, int] = Field(default_factory=dict)
    tables: dict[str, TableProgress] = Field(default_factory=dict)
    result: RunResult | None = None
    error: Problem | None = None

    @field_validator("result", mode="before")
    @classmethod
    def _of_the_kind(cls, result: object, info: ValidationInfo) -> object:
        """A record's fields as the result of the run's kind. One that another version of Supakeep
        wrote, and that this one cannot read, is left out: the rest of the record still counts.
        """
        if not isinstance(result, Mapping) or "kind" not in info.data:
            return result
        try:
            return _RESULTS[info.data["kind"]].model_validate(result)
        except ValidationError:
            return None

    @property
    def lease(self) -> str:
        """The lease that the run needs. A prune, a verification, a copy and a drill need only their own: they
        touch neither the database nor what a backup is writing, and a prune spares the backups that others read.
        An erasure has that of a prune, since both remove objects.
        """
        if self.kind is RunKind.ERASE:
            return RunKind.PRUNE.value
        return self.kind.value if self.kind in _BESIDE_THE_DATABASE else "database"

    @property
    def ended_at(self) -> dt.datetime:
        """When it ended; of a run that died, its last sign of life."""
        return self.finished_at or self.heartbeat_at or self.requested_at

    @property
    def is_of_the_schedule(self) -> bool:
        """Whether the stack's own schedule started it: such runs have its name in their ID."""
        return self.trigger is Trigger.SCHEDULE and self.id.endswith(
            ("-schedule", "-prune", "-drill")
        )

    @property
    def started_by(self) -> str:
        """What started it, in words."""
        if self.after is not None:
            return f"the end of run {self.after}"
        if self.trigger is Trigger.SCHEDULE:
            return "the schedule" if self.is_of_the_schedule else "a call of /api/cron/backup"
        if self.trigger is Trigger.CLI:
            return "the command line"
        key = "ADMIN_KEY" if self.requested_by is None else self.requested_by.name
        return f"a request with the {'admin key' if key == 'ADMIN_KEY' else f'key {key}'}"

    @property
    def duration_seconds(self) -> int | None:
        """From its start to its end, or to its last sign of life; None if it has not started."""
        end = self.finished_at or self.heartbeat_at
        if self.started_at is None or end is None:
            return None
        return round((end - self.started_at).total_seconds())

    def started(
        self, at: dt.datetime, invocation: str | None = None, log_group: str | None = None
    ) -> Self:
        """The run at the start of its next attempt; nothing of an earlier one is left."""
        return self.model_copy(
            update={
                "status": RunStatus.RUNNING,
                "started_at": at,
                "heartbeat_at": at,
                "finished_at": None,
                "attempt": self.attempt + 1,
                "invocation": invocation,
                "log_group": log_group,
                "phase": None,
                "phase_started_at": at,
                "expected_rows": {},
                "tables": {},
                "result": None,
                "error": None,
            }
        )

    def in_phase(self, name: str, at: dt.datetime) -> Self:
        """The run at the start of a phase, which counts its own rows."""
        return self.model_copy(update={"phase": name, "phase_started_at": at, "tables": {}})

    def ended(self, at: dt.datetime, result: RunResult) -> Self:
        """A drill whose backup does not hold has failed, although it has a result."""
        status = RunStatus.COMPLETE if result.is_whole else RunStatus.PARTIAL
        error = None
        if isinstance(result, DrillReport) and result.problems:
            status, error = RunStatus.FAILED, result.problems[0]
        return self.model_copy(
            update={
                "status": status,
                "finished_at": at,
                "heartbeat_at": at,
                "result": result,
                "error": error,
            }
        )

    def failed(self, at: dt.datetime, error: BaseException) -> Self:
        return self.model_copy(
            update={
                "status": RunStatus.FAILED,
                "finished_at": at,
                "heartbeat_at": at,
                "error": problem_of(error),
            }
        )

    def withdrawn(self, at: dt.datetime, error: Exception) -> Self:
        return self.failed(at, error).model_copy(update={"status": RunStatus.WITHDRAWN})

    def shorter_and_shorter(self) -> Iterator[Self]:
        """The run as it is recorded, the first that there is room for: whole, with fewer of the rows
        that a restore shows, without details.
        """
        yield self
        if isinstance(self.result, RestoreReport):
            for most in (1, 0):
                yield self.model_copy(update={"result": self.result.with_rows(most)})
        yield self.without_details()

    def as_recorded(self) -> Self:
        """The run as its record is kept: with no value that the database quoted in an error."""
        if not isinstance(self.result, RestoreReport):
            return self
        return self.model_copy(update={"result": self.result.as_recorded()})

    def without_rows(self) -> Self:
        """The run for those who may not read rows: with the counts of a restore, and no row's values."""
        if not isinstance(self.result, RestoreReport):
            return self
        return self.model_copy(update={"result": self.result.without_rows()})

    def without_details(self) -> Self:
        """The run as it is recorded where there is little room: of its tables only those that are
        not complete, a hundred at most, and none in the result.
        """
        incomplete = {k: v for k, v in self.tables.items() if v.status != "complete"}
        few = dict(list(incomplete.items())[:_FEW_TABLES])
        result = self.result and self.result.without_details()
        return self.model_copy(update={"expected_rows": {}, "tables": few, "result": result})

    def as_seen_at(self, now: dt.datetime) -> Self:
        """The run as it must be shown: one that gave no sign of life for too long has failed."""
        last_sign, patience = self.heartbeat_at, LEASE_SECONDS
        if self.status is RunStatus.QUEUED:
            last_sign, patience = self.requested_at, QUEUE_SECONDS
        elif self.status is not RunStatus.RUNNING:
            return self
        if last_sign is not None and now - last_sign <= dt.timedelta(seconds=patience):
            return self
        problem = Problem(
            message="The run stopped without an end: it ran out of time or memory, or was killed",
            hint="Look at the function's log, if a function ran it, and start the run again.",
        )
        return self.model_copy(update={"status": RunStatus.FAILED, "error": problem})


def new_run_id(at: dt.datetime, suffix: str | None = None) -> str:
    """`suffix` keeps runs of one second apart. By itself it sorts them, too: five hex digits are the
    microseconds, eleven are random, so that two runs of one moment never share an ID. It is `schedule`
    for the nightly run.
    """
    own = suffix or f"{at.microsecond:05x}{secrets.token_hex(6)[:11]}"
    return f"{at:%Y%m%dT%H%M%SZ}-{own}"


def validated_run_id(text: str) -> str:
    """`text` itself, if it has the shape of a run ID; InvalidRequestError otherwise."""
    if not _RUN_ID.fullmatch(text):
        raise InvalidRequestError(
            f"{text[:100]!r} is not a run ID",
            operation="read run ID",
            hint="A run ID looks like 20261122T030000Z-1a2b3c4d5e6f7a8b. The answer to starting a run has it.",
        )
    return text


def problem_of(error: BaseException) -> Problem:
    """What of an error is shown to the user; an unforeseen one shows only its type."""
    if isinstance(error, SupakeepError):
        return Problem(message=error.message, hint=error.hint)
    if not isinstance(error, Exception):
        # Ctrl-C, or the process was asked to end
        return Problem(message="The run was interrupted before its end", hint="Start it again.")
    return Problem(
        message=f"Unexpected failure: {type(error).__name__}",
        hint="The function's log has the details; on the command line, --debug shows them.",
    )
