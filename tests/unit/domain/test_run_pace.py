from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from supakeep.domain.manifest import Trigger
from supakeep.domain.run import Run, RunKind, TableProgress
from supakeep.domain.run_pace import RunPace, RunTable, tables_of
from tests.fakes.time import NOON


def at_work(seconds: float = 10, **fields: Any) -> Run:
    """A backup of three tables, which has been exporting for so long."""
    run = Run(
        id="20261122T120000Z-1a2b3c4d",
        kind=RunKind.BACKUP,
        trigger=Trigger.API,
        requested_at=NOON,
        expected_rows={"public.a": 100, "public.b": 50, "public.c": 7},
        tables={
            "public.a": TableProgress(rows=90, status="complete"),
            "public.b": TableProgress(rows=10, status="running"),
        },
    ).started(NOON)
    update = {
        "expected_rows": {"public.a": 100, "public.b": 50, "public.c": 7},
        "tables": {
            "public.a": TableProgress(rows=90, status="complete"),
            "public.b": TableProgress(rows=10, status="running"),
        },
        "heartbeat_at": NOON + dt.timedelta(seconds=seconds),
    }
    return run.model_copy(update={**update, **fields})


def test_rows_and_time_left_are_those_of_the_tables_that_have_not_ended() -> None:
    assert RunPace.of(at_work()) == RunPace(
        phase="exporting", rows=100, rows_expected=147, rows_per_second=10.0, seconds_left=5
    )


def test_a_table_that_outgrew_the_last_backup_leaves_nothing() -> None:
    tables = {"public.a": TableProgress(rows=300, status="running")}
    pace = RunPace.of(at_work(tables=tables, expected_rows={"public.a": 100}))

    assert (pace.rows, pace.rows_expected, pace.seconds_left) == (300, 300, 0)


@pytest.mark.parametrize("fields", [{"tables": {}}, {"seconds": 0}])
def test_without_rows_or_time_there_is_no_rate(fields: dict[str, Any]) -> None:
    pace = RunPace.of(at_work(**fields))

    assert (pace.rows_per_second, pace.seconds_left) == (None, None)


def test_without_a_backup_before_there_is_a_rate_and_no_time_left() -> None:
    pace = RunPace.of(at_work(expected_rows={}))

    assert (pace.rows_expected, pace.rows_per_second, pace.seconds_left) == (None, 10.0, None)


def test_each_phase_counts_its_own_rows_and_time() -> None:
    later = NOON + dt.timedelta(seconds=60)
    run = at_work().in_phase("restoring", later)
    assert RunPace.of(run).rows_per_second is None

    beat = {"public.a": TableProgress(rows=20, status="running")}
    run = run.model_copy(update={"tables": beat, "heartbeat_at": later + dt.timedelta(seconds=2)})
    pace = RunPace.of(run)
    assert (pace.phase, pace.rows, pace.rows_per_second) == ("restoring", 20, 10.0)


def test_tables_that_are_expected_wait_until_the_run_has_ended() -> None:
    assert tables_of(at_work())["public.c"] == RunTable(rows=0, rows_expected=7, status="waiting")
    ended = at_work().failed(NOON, ValueError())
    assert list(tables_of(ended)) == ["public.a", "public.b"]
