"""How far and how fast a run is."""

from __future__ import annotations

import math
from typing import Literal, Self, cast

from pydantic import BaseModel, ConfigDict

from supakeep.domain.run import Run, RunKind, RunStatus

TableState = Literal["waiting", "running", "complete", "failed"]

# of runs that have only one
_FIRST_PHASES = {RunKind.BACKUP: "exporting", RunKind.PRUNE: "pruning", RunKind.VERIFY: "reading"}


class RunTable(BaseModel):
    """How far one table is. `rows_expected` is what the last good backup or, for a restore and a
    verify, the backup itself has; None where neither says. A table that is expected and has not
    begun is `waiting`.
    """

    model_config = ConfigDict(frozen=True)

    rows: int
    rows_expected: int | None
    status: TableState

    @property
    def rows_left(self) -> int:
        """Of the expected ones; none once the table has ended, however many it turned out to have."""
        if self.rows_expected is None or self.status in ("complete", "failed"):
            return 0
        return max(0, self.rows_expected - self.rows)


class RunPace(BaseModel):
    """How fast a run at work is. `rows_per_second` is the mean of the present phase; `seconds_left`,
    in that phase, is None until the rate and the expected rows are known.
    """

    model_config = ConfigDict(frozen=True)

    phase: str | None
    rows: int
    rows_expected: int | None
    rows_per_second: float | None
    seconds_left: int | None

    @classmethod
    def of(cls, run: Run) -> Self:
        """As of the run's last sign of life."""
        tables = tables_of(run).values()
        rows = sum(table.rows for table in tables)
        left = sum(table.rows_left for table in tables)
        rate = _rate(run, rows)
        return cls(
            phase=run.phase or _FIRST_PHASES.get(run.kind),
            rows=rows,
            rows_expected=rows + left if run.expected_rows else None,
            rows_per_second=rate,
            seconds_left=math.ceil(left / rate) if rate and run.expected_rows else None,
        )


def tables_of(run: Run) -> dict[str, RunTable]:
    """The tables that the run has begun, and while it is at work those that it will probably come
    to.
    """
    begun = {
        name: RunTable(
            rows=table.rows,
            rows_expected=run.expected_rows.get(name),
            status=cast(TableState, table.status),
        )
        for name, table in run.tables.items()
    }
    if run.status is not RunStatus.RUNNING:
        return begun
    waiting = {
        name: RunTable(rows=0, rows_expected=rows, status="waiting")
        for name, rows in run.expected_rows.items()
        if name not in begun
    }
    return {**begun, **waiting}


def _rate(run: Run, rows: int) -> float | None:
    """Rows a second, to three significant digits; None before the first sign of life with a row."""
    if run.phase_started_at is None or run.heartbeat_at is None:
        return None
    seconds = (run.heartbeat_at - run.phase_started_at).total_seconds()
    return float(f"{rows / seconds:.3g}") if rows and seconds > 0 else None
