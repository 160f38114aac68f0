from __future__ import annotations

import pytest

from supakeep.domain.manifest import Trigger
from supakeep.domain.run import RunKind
from supakeep.errors import StorageUnavailableError
from tests.builders.lambda_events import CRON_SECRET, Project
from tests.builders.manifests import PROJECT
from tests.unit.api.conftest import Functions

pytestmark = pytest.mark.filterwarnings("ignore:No application metrics to publish")

BACKUP = "/api/admin/backup"
CRON = "/api/cron/backup"


def test_a_backup_is_accepted_with_its_name_and_run_id_and_handed_over(
    functions: Functions, project: Project
) -> None:
    answer = functions("backup").request("POST", BACKUP)

    assert answer.status == 202
    run_id = answer.body["run_id"]
    assert answer.body == {
        "run_id": run_id,
        "name": f"backup_{PROJECT}_2026-11-22T120000Z",
        "status": "queued",
        "status_url": f"/api/admin/runs/{run_id}",
    }
    assert project.dispatcher.handed_over == [
        ("backup", {"name": answer.body["name"], "trigger": "api", "run_id": run_id})
    ]
    assert project.primary.objects == {}


def test_tables_that_may_have_lost_rows_are_handed_over(
    functions: Functions, project: Project
) -> None:
    body = {"accept_shrink": ["items", "public.orders"]}

    assert functions("backup").request("POST", BACKUP, body=body).status == 202

    [(_, payload)] = project.dispatcher.handed_over
    assert payload["accept_shrink"] == body["accept_shrink"]


def test_what_was_handed_over_is_what_the_function_carries_out(
    functions: Functions, project: Project
) -> None:
    backup = functions("backup")
    accepted = backup.request("POST", BACKUP).body
    [(action, payload)] = project.dispatcher.handed_over

    run = backup.invoke({**payload, "action": action})

    assert (run["id"], run["backup"], run["status"]) == (
        accepted["run_id"],
        accepted["name"],
        "complete",
    )
    assert sorted(project.primary.objects) == sorted(project.mirror.objects) != []
    told = functions("restore").request("GET", accepted["status_url"]).body
    assert told["status"] == "complete"
    assert {name: t["rows"] for name, t in told["tables"].items()} == {
        "public.customers": 5,
        "public.orders": 5,
        "public.items": 5,
    }


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_cron_endpoint_starts_a_scheduled_backup(
    functions: Functions, project: Project, method: str
) -> None:
    answer = functions("backup").request(method, CRON, key=CRON_SECRET)

    assert answer.status == 202
    assert answer.body["name"] == f"backup_{PROJECT}_2026-11-22"
    [(action, payload)] = project.dispatcher.handed_over
    assert (action, payload["trigger"]) == ("backup", "schedule")
    assert functions("backup").runs.get(answer.body["run_id"]).trigger == "schedule"


def test_while_a_run_is_at_work_another_backup_is_refused(
    functions: Functions, project: Project
) -> None:
    first = functions("backup").request("POST", BACKUP).body

    answer = functions("backup").request("POST", BACKUP)

    assert answer.status == 409
    assert answer.body["error"] == f"Run {first['run_id']} is at work on this project"
    assert "/api/admin/runs/" in answer.body["hint"]
    assert len(project.dispatcher.handed_over) == 1


def test_a_backup_that_cannot_be_handed_over_leaves_no_lease_behind(
    functions: Functions, project: Project
) -> None:
    project.dispatcher.error = StorageUnavailableError("not started", operation="dispatch")
    assert functions("backup").request("POST", BACKUP).status == 502
    project.dispatcher.error = None

    assert functions("backup").request("POST", BACKUP).status == 202

    told = functions("restore").request("GET", "/api/admin/runs").body["runs"]
    assert sorted(run["status"] for run in told) == ["queued", "withdrawn"]


def test_a_missing_bucket_is_reported_in_the_words_of_the_guide(
    functions: Functions, project: Project
) -> None:
    backup = functions("backup")
    accepted = backup.request("POST", BACKUP).body
    [(action, payload)] = project.dispatcher.handed_over
    project.primary.has_bucket = False

    with pytest.raises(Exception, match="Upload failed: Storage bucket not found"):
        backup.invoke({**payload, "action": action})

    told = functions("restore").request("GET", accepted["status_url"]).body
    assert told["status"] == "failed"
    assert told["error"]["message"] == "Upload failed: Storage bucket not found"
    assert "`supakeep migration`" in told["error"]["hint"]


def test_a_missing_bucket_is_reported_when_the_cron_endpoint_looks_for_a_name(
    functions: Functions, project: Project
) -> None:
    project.primary.has_bucket = False

    answer = functions("backup").request("POST", CRON, key=CRON_SECRET)

    assert answer.status == 502
    assert "Storage bucket not found" in answer.body["error"]
    assert "`supakeep migration`" in answer.body["hint"]


def test_a_restore_is_refused_while_a_backup_is_at_work(functions: Functions) -> None:
    functions("backup").runs.accept(RunKind.RESTORE, Trigger.API)

    assert functions("backup").request("POST", BACKUP).status == 409


@pytest.mark.parametrize("body", [{"tables": ["orders"]}, {"dry_run": True}, {"name": "mine"}])
def test_a_backup_has_no_fields_and_refuses_those_that_it_is_given(
    functions: Functions, project: Project, body: dict[str, object]
) -> None:
    [field] = body

    answer = functions("backup").request("POST", BACKUP, body=body)

    assert answer.status == 400
    assert answer.body["error"] == f"{field}: is not a field of this request"
    assert project.dispatcher.handed_over == []


def test_a_backup_takes_an_empty_object(functions: Functions) -> None:
    assert functions("backup").request("POST", BACKUP, body={}).status == 202
