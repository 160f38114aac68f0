from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from supakeep.domain.lease import LEASE_SECONDS
from supakeep.domain.manifest import Trigger
from supakeep.domain.manifest_parts import Problem
from supakeep.domain.prune import PrunedStore, PruneReport
from supakeep.domain.restore import RestoredTable, RestoreReport
from supakeep.domain.row_changes import ChangedRow, WholeRow
from supakeep.domain.run import (
    QUEUE_SECONDS,
    Run,
    RunKind,
    RunResult,
    RunStatus,
    TableProgress,
    new_run_id,
    problem_of,
    validated_run_id,
)
from supakeep.domain.summary import BackupSummary
from supakeep.errors import ConfigurationError, InvalidRequestError
from tests.builders.manifests import PROJECT, a_manifest
from tests.fakes.time import NOON

WHOLLY = PruneReport(project=PROJECT, dry_run=False)
PARTLY = WHOLLY.model_copy(
    update={"stores": (PrunedStore(store="mirror", problem=Problem(message="no", hint=None)),)}
)


def a_run(**fields: Any) -> Run:
    return Run(
        id="20261122T120000Z-1a2b3c4d",
        kind=RunKind.BACKUP,
        trigger=Trigger.API,
        requested_at=NOON,
        **fields,
    )


def seconds_after(moment: dt.datetime, seconds: float) -> dt.datetime:
    return moment + dt.timedelta(seconds=seconds)


def test_run_ids_sort_by_time_and_tell_it() -> None:
    assert new_run_id(NOON, "schedule") == "20261122T120000Z-schedule"
    assert new_run_id(NOON, "zzzz") < new_run_id(seconds_after(NOON, 1), "aaaa")


def test_run_ids_of_every_version_are_read() -> None:
    before_longer_ones = "20261122T120000Z-1a2b3c4d"
    for text in (before_longer_ones, "20261122T120000Z-schedule", new_run_id(NOON)):
        assert validated_run_id(text) == text


@pytest.mark.parametrize(
    "text",
    ["", "1", "20261122T120000Z", "20261122T120000Z-", "20261122T120000Z-ABCD", "../runs",
     "20261122T120000Z-a/../b", "20261122T120000Z-1a2b3c4d\n", "2026112٢T120000Z-1a2b3c4d"],
)  # fmt: skip
def test_anything_else_is_no_run_id(text: str) -> None:
    with pytest.raises(InvalidRequestError, match="is not a run ID"):
        validated_run_id(text)


def test_a_run_is_queued_then_running_then_ended() -> None:
    queued = a_run()
    running = queued.started(seconds_after(NOON, 1))
    ended = running.ended(seconds_after(NOON, 9), PARTLY)

    assert (queued.status, queued.status.is_final) == (RunStatus.QUEUED, False)
    assert (running.status, running.status.is_final, running.attempt) == (
        RunStatus.RUNNING,
        False,
        1,
    )
    assert (ended.status, ended.status.is_final) == (RunStatus.PARTIAL, True)
    assert ended.finished_at == seconds_after(NOON, 9)
    assert ended.result == PARTLY


def test_the_next_attempt_begins_without_anything_of_the_last_one() -> None:
    progress = {"public.t": TableProgress(rows=5, status="running")}
    failed = a_run(tables=progress).started(NOON).failed(NOON, ValueError("no"))

    again = failed.started(seconds_after(NOON, 60))

    assert again.attempt == 2
    assert again.tables == {}
    assert again.error is None
    assert again.finished_at is None
    assert again.result is None


def test_a_runs_own_errors_are_reported_with_their_hint_and_others_by_their_type() -> None:
    ours = ConfigurationError("It is wrong", operation="read", hint="Set it right")

    assert problem_of(ours).model_dump() == {"message": "It is wrong", "hint": "Set it right"}
    others = problem_of(ValueError("postgres://user:secret@host"))
    assert others.message == "Unexpected failure: ValueError"
    assert "secret" not in others.model_dump_json()


@pytest.mark.parametrize(
    ("run", "patience"),
    [
        (a_run(), QUEUE_SECONDS),
        (a_run().started(NOON), LEASE_SECONDS),
    ],
)
def test_a_run_without_a_sign_of_life_is_reported_as_failed(run: Run, patience: int) -> None:
    assert run.as_seen_at(seconds_after(NOON, patience)) == run

    dead = run.as_seen_at(seconds_after(NOON, patience + 1))
    assert dead.status is RunStatus.FAILED
    assert dead.error is not None
    assert dead.error.message.startswith("The run stopped without an end")


@pytest.mark.parametrize(
    "run",
    [
        a_run().ended(NOON, WHOLLY),
        a_run().ended(NOON, PARTLY),
        a_run().failed(NOON, ValueError()),
    ],
)
def test_a_run_that_has_ended_stays_as_it_ended(run: Run) -> None:
    assert run.as_seen_at(seconds_after(NOON, 10**7)) == run


def test_a_sign_of_life_keeps_a_run_running() -> None:
    run = a_run().started(NOON).model_copy(update={"heartbeat_at": seconds_after(NOON, 1000)})

    assert run.as_seen_at(seconds_after(NOON, 1000 + LEASE_SECONDS)).status is RunStatus.RUNNING


def test_a_run_without_details_keeps_what_is_incomplete() -> None:
    complete = {f"public.t{n}": TableProgress(rows=5, status="complete") for n in range(500)}
    incomplete = {
        "public.failed": TableProgress(rows=2, status="failed"),
        "public.at_work": TableProgress(rows=3, status="running"),
    }
    result = BackupSummary.of(a_manifest(warnings=("long",)), ["primary"])
    run = a_run(tables={**complete, **incomplete}).model_copy(update={"result": result})

    short = run.without_details()

    assert short.tables == incomplete
    assert isinstance(short.result, BackupSummary)
    assert short.result.name == result.name
    assert (short.result.tables, short.result.objects, short.result.warnings) == ((), (), ())
    unchanged = {"tables", "result"}
    assert short.model_dump(exclude=unchanged) == run.model_dump(exclude=unchanged)


def test_of_a_dry_run_that_must_be_shorter_the_rows_that_it_shows_go_first() -> None:
    row = WholeRow(key={"id": "1"}, columns={"n": "2"})
    changed = ChangedRow(key={"id": "1"}, columns={"n": ("1", "2")})
    table = RestoredTable(
        name="public.t",
        rows_in_backup=9,
        inserted=9,
        inserted_rows=5 * (row,),
        updated_rows=5 * (changed,),
        deleted_rows=5 * (row,),
    )
    report = RestoreReport(
        backup="b", project=PROJECT, dry_run=True, read_from="x", tables=(table,)
    )

    forms = [run.result for run in a_run(result=report).shorter_and_shorter()]

    assert forms[0] == report
    shown = [
        (len(t.inserted_rows), len(t.updated_rows), len(t.deleted_rows), t.inserted)
        for form in forms
        if isinstance(form, RestoreReport)
        for t in form.tables
    ]
    assert shown == [(5, 5, 5, 9), (1, 1, 1, 9), (0, 0, 0, 9)]
    assert forms[3] == report.without_details()


def test_only_a_restore_has_such_rows() -> None:
    run = a_run(result=BackupSummary.of(a_manifest(), ["primary"]))

    assert [*run.shorter_and_shorter()] == [run, run.without_details()]


def test_a_run_without_details_keeps_a_hundred_tables_at_most() -> None:
    failed = {f"public.t{n}": TableProgress(rows=0, status="failed") for n in range(20_000)}

    short = a_run(tables=failed).without_details()

    assert list(short.tables) == list(failed)[:100]
    assert short.result is None
    assert len(short.model_dump_json()) < 10_000


@pytest.mark.parametrize(
    ("kind", "result"),
    [
        (RunKind.BACKUP, BackupSummary.of(a_manifest(), ["primary"])),
        (RunKind.RESTORE, RestoreReport(backup="b", project=PROJECT, dry_run=False, read_from="x")),
        (RunKind.PRUNE, PARTLY),
    ],
)
def test_a_record_is_read_back_with_the_result_of_its_kind(
    kind: RunKind, result: RunResult
) -> None:
    run = a_run().model_copy(update={"kind": kind}).started(NOON).ended(NOON, result)

    for record in (run, run.without_details()):
        read = Run.model_validate_json(record.model_dump_json())
        assert read == record
        assert type(read.result) is type(result)


def test_a_result_that_another_version_recorded_and_this_one_cannot_read_is_left_out() -> None:
    record = a_run().ended(NOON, WHOLLY).model_dump(mode="json")

    run = Run.model_validate({**record, "result": {"of": "another version"}})

    assert run.result is None
    assert run.status is RunStatus.COMPLETE
