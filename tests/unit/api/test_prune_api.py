from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from supakeep.domain.manifest import Trigger
from supakeep.domain.run import RunKind
from tests.builders.lambda_events import Project
from tests.builders.manifests import place_backup
from tests.fakes.time import NOON
from tests.unit.api.conftest import Functions

pytestmark = pytest.mark.filterwarnings("ignore:No application metrics to publish")

PRUNE = "/api/admin/prune"


@pytest.fixture(autouse=True)
def _nine_backups(project: Project) -> None:
    for days in range(9):
        place_backup(project.primary, at=NOON - dt.timedelta(days=days))


def test_a_dry_run_is_answered_at_once_and_removes_nothing(
    functions: Functions, project: Project
) -> None:
    answer = functions("prune").request("POST", PRUNE, body={"dry_run": True})

    assert answer.status == 200
    assert answer.body["dry_run"] is True
    primary = answer.body["stores"][0]
    assert [backup["removed"] for backup in primary["backups"]] == [False] * 7 + [True] * 2
    assert primary["backups"][-1]["reason"] == "older than 7 days"
    assert len(project.primary.of_backups) == 18
    assert project.dispatcher.handed_over == []


@pytest.mark.parametrize("body", [None, {}, {"dry_run": False}])
def test_a_prune_is_accepted_and_handed_over(
    functions: Functions, project: Project, body: dict[str, Any] | None
) -> None:
    answer = functions("prune").request("POST", PRUNE, body=body)

    assert answer.status == 202
    assert project.dispatcher.handed_over == [
        ("prune", {"dry_run": False, "run_id": answer.body["run_id"]})
    ]
    assert len(project.primary.of_backups) == 18


def test_what_was_handed_over_is_what_the_function_carries_out(
    functions: Functions, project: Project
) -> None:
    prune = functions("prune")
    accepted = prune.request("POST", PRUNE).body
    [(action, payload)] = project.dispatcher.handed_over

    run = prune.invoke({**payload, "action": action})

    assert (run["id"], run["status"]) == (accepted["run_id"], "complete")
    assert len(project.primary.of_backups) == 14


@pytest.mark.parametrize(
    "body", [{"dry_run": "yes"}, {"dry_run": 1}, {"dryrun": True}, {"dry_run": None}, [True]]
)
def test_a_body_that_may_mean_a_dry_run_is_never_taken_for_a_real_one(
    functions: Functions, project: Project, body: object
) -> None:
    answer = functions("prune").request("POST", PRUNE, body=body)

    assert answer.status == 400
    assert project.dispatcher.handed_over == []


@pytest.mark.parametrize("raw_body", ["dry_run=true", "{", "true"])
def test_a_body_that_is_no_json_object_starts_nothing(
    functions: Functions, project: Project, raw_body: str
) -> None:
    assert functions("prune").request("POST", PRUNE, raw_body=raw_body).status == 400
    assert project.dispatcher.handed_over == []


def test_a_second_prune_is_refused_while_one_is_at_work(functions: Functions) -> None:
    run = functions("prune").runs.accept(RunKind.PRUNE, Trigger.SCHEDULE)

    answer = functions("prune").request("POST", PRUNE)

    assert answer.status == 409
    assert run.id in answer.body["error"]


def test_a_dry_run_is_answered_while_a_backup_is_at_work(functions: Functions) -> None:
    functions("prune").runs.accept(RunKind.BACKUP, Trigger.SCHEDULE)

    assert functions("prune").request("POST", PRUNE, body={"dry_run": True}).status == 200


def test_after_a_backup_that_failed_nothing_is_removed(
    functions: Functions, project: Project
) -> None:
    project.clock.advance(minutes=1)
    project.primary.has_bucket = False
    with pytest.raises(Exception, match="bucket not found"):
        functions("backup").invoke({"action": "backup"})
    project.primary.has_bucket = True

    run = functions("prune").invoke({"action": "prune"})

    assert run["status"] == "partial"
    assert "Storage bucket not found" in run["result"]["held"]["message"]
    assert len(project.primary.of_backups) == 18
