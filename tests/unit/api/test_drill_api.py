from __future__ import annotations

import datetime as dt
from contextlib import AbstractContextManager
from pathlib import Path
from unittest.mock import Mock

import pytest

from supakeep.errors import MachineError
from supakeep.settings import PACKAGED_POLICY
from supakeep.usecases.stored_manifests import read_manifest
from tests.builders.backups import NAME, back_up
from tests.builders.drills import ledger_keys, record_drill
from tests.builders.lambda_events import Project
from tests.builders.manifests import PROJECT
from tests.fakes.scratch import InMemoryScratch, InMemoryScratchServer
from tests.fakes.time import NOON
from tests.unit.api.conftest import Functions, LocalFunction
from tests.unit.api.emitted import metrics

pytestmark = pytest.mark.filterwarnings("ignore:No application metrics to publish")

DRILLS = "/api/admin/drills"
LEDGER = "/api/admin/ledger"
ASSERTED = "-- name: nobody owes\nselect * from orders where false\n"


@pytest.fixture(autouse=True)
def _a_backup(project: Project) -> None:
    back_up(project.database, project.primary, project.mirror)


@pytest.fixture
def policy_file(tmp_path: Path) -> Path:
    """A supakeep.toml with assertions beside it."""
    (tmp_path / "drills.sql").write_text(ASSERTED)
    (tmp_path / "supakeep.toml").write_text('backup.tables = "*"')
    return tmp_path / "supakeep.toml"


@pytest.mark.parametrize(
    "body", [None, {"name": "latest"}, {"name": "random"}, {"name": NAME.text}]
)
def test_a_drill_is_accepted_handed_over_and_carried_out(
    project: Project, policy_file: Path, body: object
) -> None:
    restore = LocalFunction("restore", project.served(policy_file=policy_file))

    accepted = restore.request("POST", DRILLS, body=body)

    assert (accepted.status, accepted.body["name"]) == (202, NAME.text)
    [(action, payload)] = project.dispatcher.handed_over
    run = restore.invoke({**payload, "action": action})
    assert (action, run["kind"], run["status"]) == ("drill", "drill", "complete")
    result = restore.request("GET", accepted.body["status_url"]).body["result"]
    assert [rung["outcome"] for rung in result["rungs"]] == ["proven"] * 5
    assert result["assertions"][0]["name"] == "nobody owes"


def test_a_drill_of_the_schedule_takes_the_newest_good_backup(
    functions: Functions, project: Project
) -> None:
    event = {
        "source": "supakeep.schedule",
        "action": "drill",
        "scheduled_at": "2026-12-01T05:00:00Z",
        "execution_id": "x",
    }

    run = functions("restore").invoke(event)

    assert (run["id"], run["backup"]) == ("20261201T050000Z-drill", NAME.text)
    told = functions("restore").request("GET", f"/api/admin/runs/{run['id']}").body
    assert told["started_by"] == "the schedule"
    assert functions("restore").invoke(event)["attempt"] == 1


def test_a_drill_whose_assertion_does_not_hold_has_failed(
    project: Project, policy_file: Path
) -> None:
    served = project.served(policy_file=policy_file)
    served.scratch_server = InMemoryScratchServer(frozenset({"nobody owes"}))

    run = LocalFunction("restore", served).invoke({"action": "drill", "name": "latest"})

    assert (run["status"], run["result"]["rungs"][-1]["outcome"]) == ("failed", "failed")
    assert run["error"]["message"] == "The assertion 'nobody owes' does not hold"


@pytest.mark.parametrize(
    ("body", "status", "word"),
    [
        ({"name": f"backup_{PROJECT}_2020-01-01"}, 404, "No backup is named"),
        ({"name": "nonsense"}, 400, "is not the name of a backup"),
        ({"backup": "latest"}, 400, "backup"),
    ],
    ids=["missing", "nonsense", "unknown field"],
)
def test_a_bad_request_is_refused_with_a_sentence(
    functions: Functions, project: Project, body: object, status: int, word: str
) -> None:
    answer = functions("restore").request("POST", DRILLS, body=body)

    assert answer.status == status
    assert word in answer.body["error"]
    assert project.dispatcher.handed_over == []


def test_assertions_that_are_wrong_are_reported_before_a_run_is_accepted(
    project: Project, policy_file: Path
) -> None:
    policy_file.with_name("drills.sql").write_text("select 1")

    answer = LocalFunction("restore", project.served(policy_file=policy_file)).request(
        "POST", DRILLS
    )

    assert answer.status == 500
    assert "drills.sql, line 1: a query has no name" in answer.body["error"]
    assert project.dispatcher.handed_over == []


def test_a_second_drill_is_refused_while_one_is_at_work_and_a_backup_is_not(
    functions: Functions,
) -> None:
    assert functions("restore").request("POST", DRILLS).status == 202
    assert functions("restore").request("POST", DRILLS).status == 409
    assert functions("backup").request("POST", "/api/admin/backup").status == 202


def test_a_good_backup_starts_a_drill_of_itself_where_each_one_is_drilled(project: Project) -> None:
    backup = LocalFunction("backup", project.served(drill_function_name="supakeep-restore"))

    run = backup.invoke({"action": "backup"})

    assert project.dispatcher.handed_over[1:] == [
        ("drill", {"trigger": "api", "after": run["id"], "name": run["backup"]})
    ]


def test_a_drill_of_some_tables_starts_one_of_the_others_until_all_are_proven(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("supakeep.usecases.plan_drill._LEAST_ROOM_BYTES", 1)
    served = project.served()
    served.scratch_server = InMemoryScratchServer(free=2000)
    restore = LocalFunction("restore", served)

    first = restore.invoke({"action": "drill", "name": "latest"})

    assert first["result"]["portion"]["left"] == ["public.customers"]
    [(action, payload)] = project.dispatcher.handed_over
    assert (action, payload["name"], payload["after"]) == ("drill", NAME.text, first["id"])
    # no backup is proven to restore yet
    assert "NewestProofAge" not in metrics(capsys)
    second = restore.invoke({**payload, "action": action})
    assert second["result"]["portion"]["left"] == []
    assert len(project.dispatcher.handed_over) == 1
    assert metrics(capsys)["NewestProofAge"] == 0


def test_a_chain_of_drills_has_an_end(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("supakeep.usecases.plan_drill._LEAST_ROOM_BYTES", 1)
    served = project.served()
    served.scratch_server = InMemoryScratchServer(free=2000)

    run = LocalFunction("restore", served).invoke(
        {"action": "drill", "name": "latest", "continuation": 12}
    )

    assert run["result"]["portion"]["left"] == ["public.customers"]
    assert project.dispatcher.handed_over == []


def test_a_proven_drill_counts_its_rungs_and_its_pace(
    functions: Functions, capsys: pytest.CaptureFixture[str]
) -> None:
    functions("restore").invoke({"action": "drill", "name": "latest"})

    counted = metrics(capsys)
    assert counted["DrillRung"] == 5
    assert (counted["FailedDrills"], counted["NewestProofAge"]) == (0, 0)
    assert "DrillDuration" in counted


def test_a_failed_drill_is_counted_though_its_run_raised_nothing(
    functions: Functions, project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    volume = next(key for key in project.primary.objects if ".sql.json" in key)
    for store in (project.primary, project.mirror):
        store.objects[volume] = store.objects[volume].replace(b"1", b"2")

    functions("restore").invoke({"action": "drill", "name": "latest"})

    counted = metrics(capsys)
    assert (counted["DrillRung"], counted["FailedDrills"]) == (1, 1)
    assert "NewestProofAge" not in counted


class _DoesNotStart(InMemoryScratchServer):
    def open(self) -> AbstractContextManager[InMemoryScratch]:
        raise MachineError("It did not start", operation="drill", hint="Give it more room")


def test_a_drill_that_breaks_off_is_seen_everywhere_and_says_nothing_about_the_backup(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    served = project.served()
    served.scratch_server = _DoesNotStart()
    restore = LocalFunction("restore", served)

    with pytest.raises(MachineError, match="did not start"):
        restore.invoke({"action": "drill", "name": "latest"})

    counted = metrics(capsys)
    assert counted["DrillFailures"] == 1
    assert not {"FailedDrills", "NewestProofAge"} & counted.keys()
    [run] = restore.request("GET", "/api/admin/runs").body["runs"]
    assert (run["status"], run["error"]["hint"]) == ("failed", "Give it more room")
    told = restore.request("GET", f"/api/admin/runs/{run['id']}").body
    assert told["result"]["broken_off"]["rung"] == "restorable"
    [recorded] = restore.request("GET", LEDGER).body["drills"]
    assert recorded["entry"]["report"]["broken_off"]["problem"]["message"] == "It did not start"
    assert recorded["stores"] == ["primary", "mirror"]
    [listed] = restore.request("GET", "/api/admin/backups").body["backups"]
    assert listed["proof"] is None
    findings = restore.request("GET", "/api/admin/overview").body["findings"]
    assert "The last drill broke off less than a minute ago: It did not start." in [
        finding["sentence"] for finding in findings if finding["level"] == "warn"
    ]


def test_the_age_of_the_newest_proof_is_measured(
    functions: Functions, project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    functions("restore").invoke({"action": "drill", "name": "latest"})
    project.clock.advance(hours=1)
    capsys.readouterr()

    functions("prune").invoke({"source": "supakeep.schedule", "action": "measure"})

    assert metrics(capsys)["NewestProofAge"] == 3600


def test_whoever_replaces_the_packaged_policy_loses_its_assertions(
    project: Project, policy_file: Path
) -> None:
    asserted = PACKAGED_POLICY.with_name("jewelshot.drills.sql")
    policy_file.with_name(asserted.name).write_bytes(asserted.read_bytes())
    policy_file.with_name("drills.sql").unlink()

    assert len(project.served().settings.assertions()) == 3
    assert project.served(policy_file=policy_file).settings.assertions() == ()


def test_a_backup_that_was_drilled_says_so_and_is_kept_as_the_newest_proven(
    functions: Functions, project: Project
) -> None:
    manifest = read_manifest(project.primary, NAME)
    record_drill(project.primary, manifest=manifest, at=project.clock.now(), outcomes="ppppf")
    restore = functions("restore")

    [listed] = restore.request("GET", "/api/admin/backups").body["backups"]
    shown = restore.request("GET", f"/api/admin/backups/{NAME}").body

    assert listed["proof"] == shown["proof"]
    assert (shown["proof"]["reached"], shown["proof"]["failed"]) == ("identical", ["asserted"])
    verdicts = {copy["store"]: copy["reason"] for copy in shown["retention"]}
    assert "the newest proven backup" in verdicts["mirror"]
    assert listed["retention"] == shown["retention"]
    simulated = restore.request("GET", "/api/admin/retention").body["backups"]
    assert "the newest proven backup" in simulated[0]["copies"][0]["reason"]


@pytest.mark.parametrize(
    ("expression", "enabled", "words"),
    [
        ("cron(0 5 1 * ? *)", True, "on day 1 of every month at 05:00 UTC"),
        ("after-each-backup", True, "after each backup"),
        ("never", False, "never"),
    ],
)
def test_the_overview_says_when_the_next_drill_is(
    project: Project, expression: str, words: str, *, enabled: bool
) -> None:
    restore = LocalFunction("restore", project.served(drill_schedule=expression))

    [drill] = restore.request("GET", "/api/admin/overview").body["schedules"]

    assert (drill["kind"], drill["words"], drill["enabled"]) == ("drill", words, enabled)
    assert (drill["next_at"] is not None) == expression.startswith("cron")


def test_the_ledger_lists_the_recorded_drills_newest_first_and_in_pages(
    functions: Functions, project: Project
) -> None:
    restore, manifest = functions("restore"), read_manifest(project.primary, NAME)
    for hours in range(3):
        record_drill(
            project.primary, project.mirror, manifest=manifest, at=NOON - dt.timedelta(hours=hours)
        )

    first = restore.request("GET", LEDGER, query={"limit": "2", "verify": "true"}).body
    rest = restore.request("GET", LEDGER, query={"limit": "2", "before": first["next"]}).body

    recorded = [drill["entry"]["recorded_at"] for drill in (*first["drills"], *rest["drills"])]
    assert (len(recorded), recorded) == (3, sorted(recorded, reverse=True))
    assert first["drills"][0]["stores"] == ["primary", "mirror"]
    assert first["drills"][0]["entry"]["backup"]["name"] == NAME.text
    assert (first["verification"]["entries"], first["verification"]["problems"]) == (3, [])
    assert (rest["next"], rest["verification"], rest["problems"]) == (None, None, [])


def test_a_verification_reads_each_entry_once(
    functions: Functions, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    record_drill(project.primary, manifest=read_manifest(project.primary, NAME))
    [key] = ledger_keys(project.primary)
    read = Mock(side_effect=project.primary.read)
    monkeypatch.setattr(project.primary, "read", read)

    functions("restore").request("GET", LEDGER, query={"verify": "true"})

    read.assert_called_once_with(key)


def test_the_ledger_names_an_entry_that_is_not_believed(
    functions: Functions, project: Project
) -> None:
    record_drill(project.primary, manifest=read_manifest(project.primary, NAME))
    [key] = ledger_keys(project.primary)
    project.primary.place(key, b"{}", modified_at=NOON)

    ledger = functions("restore").request("GET", LEDGER).body

    [problem] = ledger["problems"]
    assert (ledger["drills"], key in problem["message"]) == ([], True)
