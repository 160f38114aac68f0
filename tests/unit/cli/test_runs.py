from __future__ import annotations

import datetime as dt
import stat
from pathlib import Path
from typing import Any

import pytest

from supakeep.domain.manifest import Trigger
from supakeep.domain.manifest_parts import Problem
from supakeep.domain.run import Run, RunKind, RunStatus, new_run_id
from supakeep.runs.folder import FolderRunStore
from supakeep.runs.in_memory import InMemoryRunStore
from tests.builders.backups import CUSTOMERS
from tests.builders.manifests import PROJECT
from tests.fakes.database import InMemoryDatabase
from tests.fakes.object_store import InMemoryObjectStore
from tests.fakes.time import NOON
from tests.unit.cli.conftest import Supakeep, Surroundings

RECORDS = Path("state/supakeep/runs") / PROJECT


def a_run(minutes: int = 0, **fields: Any) -> Run:
    at = NOON + dt.timedelta(minutes=minutes)
    given: dict[str, Any] = {
        "kind": RunKind.BACKUP,
        "trigger": Trigger.SCHEDULE,
        "status": RunStatus.COMPLETE,
        "started_at": at,
        "finished_at": at + dt.timedelta(seconds=14),
        **fields,
    }
    return Run(id=new_run_id(at, "schedule"), requested_at=at, **given)


FAILED = a_run(
    1,
    status=RunStatus.FAILED,
    error=Problem(message="Permission denied for table public.items", hint="grant select on it"),
)


@pytest.fixture
def recorded(around: Surroundings) -> list[Run]:
    """Three runs of the table of runs, newest first."""
    store = InMemoryRunStore()
    around.adapters["run_store"] = store
    runs = [
        a_run(2, backup=f"backup_{PROJECT}_2026-11-22T120200Z"),
        FAILED,
        a_run(0, kind=RunKind.PRUNE, trigger=Trigger.API),
    ]
    for run in runs:
        store.create(run)
    return runs


def test_no_run_at_all_says_how_there_comes_to_be_one(supakeep: Supakeep) -> None:
    ended = supakeep("runs")

    assert ended.code == 0
    assert ended.out == "No runs yet. `supakeep backup` is the first.\n"
    assert "this machine's runs only (no RUNS_TABLE)" in ended.err


def test_a_run_is_a_line_with_what_started_it_how_long_it_took_and_how_it_ended(
    supakeep: Supakeep, recorded: list[Run]
) -> None:
    lines = supakeep("runs").out.splitlines()

    assert lines[0].split("  ")[0] == "RUN"
    assert lines[1].split() == [
        *(recorded[0].id, "backup", "schedule", "11-22", "12:02", "14", "s", "complete"),
        str(recorded[0].backup),
    ]
    assert "failed" in lines[2]
    assert lines[3:5] == ["    Permission denied for table public.items", "    grant select on it"]
    assert lines[5].split()[:3] == [recorded[2].id, "prune", "api"]


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.usefixtures("recorded")
def test_the_table_of_runs_fits_the_width(
    supakeep: Supakeep, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))

    lines = supakeep("runs").out.splitlines()

    assert max(map(len, lines)) <= width
    assert ("BACKUP" in lines[0]) is (width == 120)


def test_no_more_runs_are_listed_than_asked_for(supakeep: Supakeep, recorded: list[Run]) -> None:
    ended = supakeep("runs", "--last", "2", "--json")

    assert [run["id"] for run in ended.json["runs"]] == [run.id for run in recorded[:2]]
    assert ended.json["runs"][0]["duration_seconds"] == 14
    assert ended.json["runs"][1]["error"] == {
        "message": "Permission denied for table public.items",
        "hint": "grant select on it",
    }


@pytest.mark.parametrize("number", ["0", "-1", "1001", "all"])
def test_a_number_of_runs_that_makes_no_sense_is_refused(supakeep: Supakeep, number: str) -> None:
    assert supakeep("runs", "--last", number).code == 2


def test_one_run_and_a_number_of_runs_contradict_each_other(supakeep: Supakeep) -> None:
    ended = supakeep("runs", FAILED.id, "--last", "5")

    assert ended.code == 2
    assert "name one run, or give --last" in ended.err


@pytest.mark.usefixtures("recorded")
def test_a_run_that_failed_is_shown_with_its_error_and_the_hint(supakeep: Supakeep) -> None:
    ended = supakeep("runs", FAILED.id)

    assert ended.code == 0
    assert ended.out == (
        f"{FAILED.id}  backup  failed\n"
        "Started by the schedule, 2026-11-22 12:01:00 UTC, took 14 s\n"
        "! Permission denied for table public.items (grant select on it)\n"
    )
    assert supakeep("runs", FAILED.id, "--json").json["started_by"] == "the schedule"


def test_a_run_that_nobody_knows_is_an_error_that_says_where_to_look(supakeep: Supakeep) -> None:
    ended = supakeep("runs", "20261122T120000Z-1a2b3c4d")

    assert ended.code == 1
    assert "No run has the ID 20261122T120000Z-1a2b3c4d" in ended.err
    assert "`supakeep runs`" in ended.err
    assert supakeep("runs", "../../etc/passwd").code == 1


@pytest.mark.usefixtures("shop", "primary", "mirror")
def test_what_the_command_line_did_is_listed_afterwards(supakeep: Supakeep) -> None:
    made = supakeep("backup", "--json").json
    supakeep("restore", "latest", "--dry-run")
    supakeep("prune", "--dry-run")

    listed = supakeep("runs", "--json").json["runs"]

    runs = {run["kind"]: run for run in listed}
    shown = {kind: supakeep("runs", run["id"]).out for kind, run in runs.items()}
    assert {run["trigger"] for run in listed} == {"cli"}
    assert {run["status"] for run in listed} == {"complete"}
    assert runs["backup"]["backup"] == made["name"]
    assert f"{made['name']}  complete" in shown["backup"]
    assert "dry run" in shown["restore"]
    assert "newest" in shown["prune"]


def test_a_run_that_failed_on_this_machine_is_listed_with_its_error(
    supakeep: Supakeep, shop: InMemoryDatabase, primary: InMemoryObjectStore
) -> None:
    assert supakeep("restore", "latest", "--confirm", PROJECT).code == 1

    [run] = supakeep("runs", "--json").json["runs"]

    assert run["status"] == "failed"
    assert run["error"]["message"]
    assert shop.rows(CUSTOMERS)
    assert not primary.of_backups


@pytest.mark.usefixtures("shop", "primary")
def test_only_the_user_can_read_the_records(supakeep: Supakeep) -> None:
    supakeep("backup")

    [record] = RECORDS.iterdir()
    assert stat.S_IMODE(record.stat().st_mode) == 0o600
    assert stat.S_IMODE(RECORDS.stat().st_mode) == 0o700


@pytest.mark.usefixtures("shop", "primary")
def test_a_run_that_cannot_be_recorded_is_done_all_the_same(
    supakeep: Supakeep, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("RUNS_FOLDER", str(tmp_path / "file/runs"))

    assert supakeep("backup").code == 0
    assert supakeep("runs").out.startswith("No runs yet")


def test_records_are_kept_for_thirty_days(tmp_path: Path) -> None:
    store = FolderRunStore(tmp_path)
    old, kept = a_run(), a_run(1)
    store.create(old)
    store.create(kept)
    (tmp_path / "0-notes.txt").touch()

    newest = a_run(30 * 24 * 60 + 1)
    store.create(newest)

    assert FolderRunStore(tmp_path).list(9) == [newest, kept]
    assert (tmp_path / "0-notes.txt").exists()


def test_a_record_that_is_damaged_is_passed_over(tmp_path: Path) -> None:
    store = FolderRunStore(tmp_path)
    store.create(a_run())
    store.create(a_run(1))
    (tmp_path / f"{a_run(1).id}.json").write_text('{"id": "half a rec')

    assert FolderRunStore(tmp_path).list(1) == [a_run()]
