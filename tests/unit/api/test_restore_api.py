from __future__ import annotations

import pytest

from supakeep.archive.manifest import encode_manifest
from supakeep.domain.manifest import Trigger
from supakeep.domain.run import RunKind
from supakeep.errors import StorageUnavailableError, UnsafeOperationError
from tests.builders.backups import CUSTOMERS, ITEMS, NAME, ORDERS, back_up
from tests.builders.lambda_events import Project
from tests.builders.manifests import PROJECT, a_manifest
from tests.fakes.faulty_object_store import FailingObjectStore
from tests.unit.api.asking import GOOD_BODY, RESTORE, asked
from tests.unit.api.conftest import Functions, LocalFunction

pytestmark = pytest.mark.filterwarnings("ignore:No application metrics to publish")


@pytest.fixture(autouse=True)
def _a_backup(project: Project) -> None:
    back_up(project.database, project.primary, project.mirror)


def test_a_restore_is_accepted_and_handed_over(functions: Functions, project: Project) -> None:
    answer = asked(functions, tables=["orders"])

    assert answer.status == 202
    assert answer.body["name"] == NAME.text
    assert answer.body["status"] == "queued"
    assert project.dispatcher.handed_over == [
        (
            "restore",
            {
                "name": NAME.text,
                "confirm": PROJECT,
                "tables": ["orders"],
                "dry_run": False,
                "allow_other_project": False,
                "read_from": None,
                "mode": "merge",
                "where": None,
                "into_schema": None,
                "ignore_dropped_columns": False,
                "keep_undo": True,
                "users": None,
                "passed_over": [],
                "run_id": answer.body["run_id"],
            },
        )
    ]


def test_what_was_handed_over_is_what_the_function_carries_out(
    functions: Functions, project: Project
) -> None:
    before = project.database.everything()
    project.database.insert(CUSTOMERS, {"id": 1, "name": "wrong", "balance": 0})
    project.database.delete(ITEMS, id=3)
    accepted = asked(functions).body
    [(action, payload)] = project.dispatcher.handed_over

    functions("restore").invoke({**payload, "action": action})

    assert project.database.everything() == before
    told = functions("restore").request("GET", accepted["status_url"]).body
    assert told["status"] == "complete"
    counts = {t["name"]: (t["inserted"], t["updated"]) for t in told["result"]["tables"]}
    assert counts == {CUSTOMERS: (0, 1), ORDERS: (0, 0), ITEMS: (1, 0)}


def test_a_newer_backup_that_latest_passed_over_stands_in_the_runs_report(
    functions: Functions, project: Project
) -> None:
    project.primary.place(f"daily/backup_{PROJECT}_2099-01-01.manifest.json", b"{")

    asked(functions, name="latest", dry_run=True)
    [(action, payload)] = project.dispatcher.handed_over
    run = functions("restore").invoke({"action": action, **payload})

    assert run["status"] == "partial"
    [told] = run["result"]["passed_over"]
    assert told.startswith(f"backup_{PROJECT}_2099-01-01 was passed over, and may be newer")


def test_latest_is_made_a_name_when_it_is_accepted(functions: Functions, project: Project) -> None:
    answer = asked(functions, name="latest")

    assert answer.body["name"] == NAME.text
    assert project.dispatcher.handed_over[0][1]["name"] == NAME.text


@pytest.mark.parametrize("confirm", [None, "yes", "another-project"])
def test_an_unconfirmed_restore_is_refused(
    functions: Functions, project: Project, confirm: str | None
) -> None:
    answer = asked(functions, confirm=confirm)

    assert answer.status == 409
    assert answer.body["error"] == (
        f"You confirmed {confirm}; this writes to {PROJECT}"
        if confirm
        else f"A restore overwrites live data of project {PROJECT} and must be confirmed"
    )
    assert f'"confirm": "{PROJECT}"' in answer.body["hint"]
    assert project.dispatcher.handed_over == []


def test_a_database_that_shows_no_ref_must_be_confirmed_by_its_place(
    functions: Functions, project: Project
) -> None:
    place = "db.example.com:6000/app"
    served = project.served(db_place=place)
    restore = LocalFunction("restore", served)

    refused = restore.request("POST", RESTORE, body=GOOD_BODY)
    accepted = restore.request("POST", RESTORE, body={**GOOD_BODY, "confirm": place})

    assert refused.status == 409
    assert refused.body["error"] == f"You confirmed {PROJECT}; this writes to {place}"
    assert accepted.status == 202
    assert len(project.dispatcher.handed_over) == 1
    # what was handed over is checked again where it is carried out
    [(action, payload)] = project.dispatcher.handed_over
    with pytest.raises(UnsafeOperationError, match=f"this writes to {place}"):
        restore.invoke({"action": action, **payload, "confirm": PROJECT})


def test_another_projects_backup_is_refused_without_consent(
    functions: Functions, project: Project
) -> None:
    other = a_manifest(project="other")
    project.primary.place(other.name.manifest_key, encode_manifest(other))

    refused = asked(functions, name=other.backup)
    allowed = asked(functions, name=other.backup, allow_other_project=True)

    assert refused.status == 409
    assert f"is a backup of project other, not of {PROJECT}" in refused.body["error"]
    assert allowed.status == 202


def test_a_restore_is_refused_while_a_backup_is_at_work(
    functions: Functions, project: Project
) -> None:
    run = functions("restore").runs.accept(RunKind.BACKUP, Trigger.API)

    answer = asked(functions)

    assert answer.status == 409
    assert answer.body["error"] == f"Run {run.id} is at work on this project"
    assert project.dispatcher.handed_over == []


def test_a_damaged_manifest_cannot_be_restored(functions: Functions, project: Project) -> None:
    for store in (project.primary, project.mirror):
        content = store.objects[NAME.manifest_key]
        store.place(NAME.manifest_key, content.replace(b'"rows": 5', b'"rows": 6'))

    answer = asked(functions)

    assert answer.status == 422
    assert "its checksum does not match" in answer.body["error"]
    assert project.dispatcher.handed_over == []


def test_a_manifest_of_a_newer_format_is_refused(functions: Functions, project: Project) -> None:
    for store in (project.primary, project.mirror):
        store.place(NAME.manifest_key, b'{"format": "supakeep/2"}')

    answer = asked(functions)

    assert answer.status == 422
    assert "reads up to supakeep/1" in answer.body["error"]
    assert answer.body["hint"] == "Update Supakeep; nothing was changed."


def test_a_download_that_fails_is_reported_in_the_words_of_the_guide(
    functions: Functions, project: Project
) -> None:
    error = StorageUnavailableError(
        "Failed to download backup: ReadTimeout", operation="download", hint="Try again later"
    )
    served = functions("restore").project
    for name in ("primary", "mirror"):
        store = FailingObjectStore(getattr(project, name), "read", error=error)
        setattr(served, name, store)

    answer = functions("restore").request("GET", f"/api/admin/backups/{NAME}")

    assert answer.status == 502
    assert answer.body["error"].startswith("Failed to download backup")
    assert answer.body["hint"] == "Try again later"


def test_a_failure_while_restoring_is_recorded(functions: Functions, project: Project) -> None:
    project.database.read_only.add(ORDERS)
    accepted = asked(functions).body
    [(action, payload)] = project.dispatcher.handed_over

    with pytest.raises(Exception, match="Permission denied"):
        functions("restore").invoke({**payload, "action": action})

    told = functions("restore").request("GET", accepted["status_url"]).body
    assert told["status"] == "failed"
    assert told["error"]["message"] == "Permission denied for table public.orders"
    assert "GRANT SELECT, INSERT, UPDATE" in told["error"]["hint"]


@pytest.mark.parametrize(("read_from", "status"), [("mirror", 202), ("primary", 404), (None, 202)])
def test_the_copy_to_read_may_be_named(
    functions: Functions, project: Project, read_from: str | None, status: int
) -> None:
    project.primary.objects.clear()

    assert asked(functions, read_from=read_from).status == status


@pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded", "text/plain"])
def test_a_body_is_json_whatever_its_sender_called_it(
    functions: Functions, content_type: str
) -> None:
    answer = functions("restore").request(
        "POST", RESTORE, body=GOOD_BODY, headers={"content-type": content_type}
    )

    assert answer.status == 202


def test_a_choice_that_no_row_fits_is_reported_and_the_run_is_partial(
    functions: Functions, project: Project
) -> None:
    before = project.database.everything()

    run = functions("restore").invoke(
        {"action": "restore", **GOOD_BODY, "tables": ["customers"], "where": {"id": "99"}}
    )

    assert run["status"] == "partial"
    assert run["result"]["found_nothing"]
    assert "public.customers: no row of the backup has id = 99" in run["result"]["warnings"]
    assert project.database.everything() == before
