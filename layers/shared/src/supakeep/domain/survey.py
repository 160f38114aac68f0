"""What a project's tables hold, and what a backup of them will take."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict

from supakeep.domain.engine import Engine
from supakeep.domain.schedule import Schedule
from supakeep.domain.schema import Table
from supakeep.domain.table_activity import TableActivity
from supakeep.errors import InvalidRequestError

Plan = Literal["free", "pro"]

MIB = 1024 * 1024
_GB = 10**9
_LARGE_BYTES = 10 * MIB
_MONTH_DAYS = 30
_MOST_RUNS = 24 * 60
# docs/limits.md has these figures and where they come from
_STORAGE_BYTES = {"free": 1 * _GB, "pro": 100 * _GB}
_EGRESS_BYTES = {"free": 5 * _GB, "pro": 250 * _GB}
_READ_BYTES_A_SECOND = {"rest": 25 * MIB, "postgres": 97 * MIB}
_UPLOAD_BYTES_A_SECOND = 20 * MIB
_START_SECONDS = 2
_DOLLARS_A_LAMBDA_SECOND = 0.0000133
_DOLLARS_A_STORED_GB = 0.023
_DOLLARS_A_SENT_GB = 0.09
# secrets, alarms, metrics, and the small rest
_DOLLARS_FIXED = 0.80 + 0.60 + 4.20 + 0.05 + 0.04
_PRUNED_DAYS = 30


class SurveyedTable(BaseModel):
    """One table. `bytes` are those of its rows in a backup, estimated from the first rows. What could
    not be read is None, and `problem` and `fix` say why. `changes_per_day` is None where it is unknown.
    """

    model_config = ConfigDict(frozen=True)

    table: str
    schema_name: str
    rows: int | None
    bytes: int | None
    has_key: bool
    needs_key: bool
    changes_per_day: int | None
    time_column: str | None
    problem: str | None = None
    fix: str | None = None

    @property
    def is_large(self) -> bool:
        return (self.bytes or 0) >= _LARGE_BYTES

    @property
    def changes_fast(self) -> bool:
        """Whether more than a tenth of its rows are written each day, and not just a few."""
        changes = self.changes_per_day or 0
        return changes > 1000 and changes * 10 > (self.rows or 0)


class Estimate(BaseModel):
    """What the backups will take, by the plan and the schedule; docs/limits.md shows the computation.
    The cost is that of AWS, before its free tier.
    """

    model_config = ConfigDict(frozen=True)

    plan: Plan
    schedule: str
    runs_per_month: int
    keep_days: int
    rows: int
    backup_bytes: int
    duration_seconds: int
    storage_bytes: int
    storage_limit_bytes: int
    egress_bytes_per_month: int
    egress_limit_bytes: int
    dollars_per_month: float

    @property
    def warnings(self) -> list[str]:
        """A sentence for each limit of the plan that would be passed."""
        found = []
        if self.storage_bytes > self.storage_limit_bytes:
            found.append(
                f"The backups would take more Storage than the plan {self.plan} has: keep them for "
                "fewer days, or back up windows of the large tables."
            )
        if self.egress_bytes_per_month > self.egress_limit_bytes:
            found.append(
                f"The backups would take more egress than the plan {self.plan} has: back up less "
                "often, or windows of the large tables."
            )
        return found


def estimate(
    tables: Sequence[SurveyedTable],
    engine: Engine,
    *,
    plan: Plan,
    schedule: str,
    keep_days: int,
    now: dt.datetime,
) -> Estimate:
    """Raises InvalidRequestError for a schedule that cannot be read."""
    size = sum(table.bytes or 0 for table in tables)
    runs = runs_per_month(schedule, now)
    kept = round(keep_days * runs / _MONTH_DAYS) + 1
    # the uploads to Storage and to the mirror share the line, and run beside the reading
    slower = min(_READ_BYTES_A_SECOND[engine.name], _UPLOAD_BYTES_A_SECOND // 2)
    seconds = _START_SECONDS + size // slower
    stored = size * (kept + round(_PRUNED_DAYS * runs / _MONTH_DAYS))
    dollars = (
        _DOLLARS_FIXED
        + runs * seconds * _DOLLARS_A_LAMBDA_SECOND
        + stored / _GB * _DOLLARS_A_STORED_GB
        + runs * size / _GB * _DOLLARS_A_SENT_GB
    )
    return Estimate(
        plan=plan,
        schedule=schedule,
        runs_per_month=runs,
        keep_days=keep_days,
        rows=sum(table.rows or 0 for table in tables),
        backup_bytes=size,
        duration_seconds=seconds,
        storage_bytes=size * kept,
        storage_limit_bytes=_STORAGE_BYTES[plan],
        # the rows leave the project, and the backup is read back from its Storage
        egress_bytes_per_month=2 * size * runs,
        egress_limit_bytes=_EGRESS_BYTES[plan],
        dollars_per_month=round(dollars, 2),
    )


def runs_per_month(expression: str, now: dt.datetime) -> int:
    """How often a schedule fires in the next 30 days."""
    schedule = Schedule("backup", expression)
    end, at, runs = now + dt.timedelta(days=_MONTH_DAYS), now, 0
    while runs < _MOST_RUNS:
        following = schedule.next_after(at, at)
        if following is None or following > end:
            break
        at, runs = following, runs + 1
    if not runs:
        raise InvalidRequestError(
            f"{expression} is not a schedule that fires in the next {_MONTH_DAYS} days",
            operation="read schedule",
            key=expression,
            hint='Write it as AWS does: "cron(0 3 * * ? *)" or "rate(6 hours)", in UTC.',
        )
    return runs


def changes_per_day(activity: TableActivity | None, now: dt.datetime) -> int | None:
    """None where it is not known since when the changes are counted, or for less than an hour."""
    if activity is None or activity.since is None:
        return None
    days = (now - activity.since).total_seconds() / 86_400
    return round(activity.changes / days) if days > 1 / 24 else None


def time_column_of(table: Table) -> str | None:
    """The column by which a window of the table would be taken."""
    times = [c.name for c in table.columns if c.type.startswith("timestamp")]
    names = ("created_at", "inserted_at", "created", "timestamp", "updated_at")
    return next((name for name in names if name in times), times[0] if times else None)
