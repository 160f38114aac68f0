from __future__ import annotations

import datetime as dt

import pytest

from supakeep.domain.manifest import Trigger
from supakeep.domain.run import RunKind
from tests.builders.backups import CUSTOMERS, NAME, back_up
from tests.builders.lambda_events import Project
from tests.builders.manifests import PROJECT, place_backup
from tests.fakes.faulty_object_store import FailingObjectStore
from tests.fakes.time import NOON
from tests.unit.api.conftest import Functions

pytestmark = pytest.mark.filterwarnings("ignore:No application metrics to publish")


def test_backups_are_listed_newest_first_with_what_they_hold(
    functions: Functions, project: Project
) -> None:
    manifest = back_up(project.database, project.primary, project.mirror)
    older = place_backup(project.mirror, at=NOON - dt.timedelta(days=1))
    damaged = place_backup(project.primary, at=NOON - dt.timedelta(days=2))
    project.primary.place(damaged.manifest_key, b"{}")

    answer = functions("restore").request("GET", "/api/admin/backups")

    assert answer.status == 200
    assert [backup["name"] for backup in answer.body["backups"]] == [NAME.text, older.text]
    first = answer.body["backups"][0]
    assert first["status"] == "complete"
    assert first["locations"] == ["primary", "mirror"]
    assert first["rows"] == 15
    assert first["size_bytes"] == manifest.size_bytes
    assert {table["name"]: table["rows"] for table in first["tables"]} == {
        "public.customers": 5,
        "public.items": 5,
        "public.orders": 5,
    }
    assert list(answer.body["untrusted"]) == [damaged.text]
    assert answer.body["problems"] == {}


BACKUPS = "/api/admin/backups"


def test_a_long_list_is_answered_in_pages_that_continue_below_a_name(
    functions: Functions, project: Project
) -> None:
    names = [
        place_backup(project.primary, at=NOON - dt.timedelta(days=days)).text for days in range(5)
    ]
    ask = functions("restore").request

    first = ask("GET", BACKUPS, query={"limit": "2"}).body
    second = ask("GET", BACKUPS, query={"limit": "2", "before": first["next"]}).body
    third = ask("GET", BACKUPS, query={"limit": "2", "before": second["next"]}).body

    pages = [[backup["name"] for backup in page["backups"]] for page in (first, second, third)]
    assert pages == [names[:2], names[2:4], names[4:]]
    assert [page["next"] for page in (first, second, third)] == [names[1], names[3], None]


def test_a_page_that_ends_with_the_last_backup_has_no_next(
    functions: Functions, project: Project
) -> None:
    names = [
        place_backup(project.primary, at=NOON - dt.timedelta(days=days)).text for days in range(2)
    ]

    whole = functions("restore").request("GET", BACKUPS, query={"limit": "2"}).body
    below = functions("restore").request("GET", BACKUPS, query={"before": names[-1]}).body

    assert (len(whole["backups"]), whole["next"]) == (2, None)
    assert (below["backups"], below["next"]) == ([], None)


def test_a_hundred_backups_are_a_page(functions: Functions, project: Project) -> None:
    for days in range(101):
        place_backup(project.primary, at=NOON - dt.timedelta(days=days))

    answer = functions("restore").request("GET", BACKUPS).body

    assert len(answer["backups"]) == 100
    assert answer["next"] == answer["backups"][-1]["name"]


def test_every_page_tells_of_damage(functions: Functions, project: Project) -> None:
    name = place_backup(project.primary).text
    damaged = place_backup(project.primary, at=NOON - dt.timedelta(days=2))
    project.primary.place(damaged.manifest_key, b"{}")

    for query in ({"limit": "1"}, {"before": name}):
        answer = functions("restore").request("GET", BACKUPS, query=query)
        assert list(answer.body["untrusted"]) == [damaged.text]


@pytest.mark.parametrize("limit", ["0", "-1", "501", "many", ""])
def test_a_limit_of_the_list_out_of_range_is_refused(functions: Functions, limit: str) -> None:
    answer = functions("restore").request("GET", BACKUPS, query={"limit": limit})

    assert answer.status == 400
    assert "limit" in answer.body["error"]


@pytest.mark.parametrize("before", ["latest", "../x", "", "backup_x", "x" * 300])
def test_what_is_no_backups_name_cannot_be_continued_below(
    functions: Functions, before: str
) -> None:
    answer = functions("restore").request("GET", BACKUPS, query={"before": before})

    assert answer.status == 400
    assert "name of a backup" in answer.body["error"] or "before" in answer.body["error"]


def test_a_list_does_not_continue_below_a_backup_that_was_removed(
    functions: Functions, project: Project
) -> None:
    place_backup(project.primary, at=NOON - dt.timedelta(days=1))

    answer = functions("restore").request("GET", BACKUPS, query={"before": NAME.text})

    assert answer.status == 400
    assert answer.body["error"] == f"The list has no backup {NAME} to continue below"
    assert "without `before`" in answer.body["hint"]


def test_a_store_that_cannot_be_listed_is_reported_beside_the_other(
    functions: Functions, project: Project
) -> None:
    place_backup(project.mirror)
    project.primary.has_bucket = False

    answer = functions("restore").request("GET", "/api/admin/backups")

    assert answer.status == 200
    assert len(answer.body["backups"]) == 1
    assert answer.body["problems"]["primary"]["message"] == "Storage bucket not found"


def test_where_no_store_answers_the_listing_fails(functions: Functions, project: Project) -> None:
    served = functions("restore").project
    served.primary = FailingObjectStore(project.primary, "list")
    served.mirror = FailingObjectStore(project.mirror, "list")

    answer = functions("restore").request("GET", "/api/admin/backups")

    assert answer.status == 502
    assert answer.body["error"] == "primary did not answer"


@pytest.mark.parametrize("name", [NAME.text, f"{NAME}.sql.json", "latest"])
def test_one_backup_is_shown_by_its_name(functions: Functions, project: Project, name: str) -> None:
    back_up(project.database, project.primary)

    answer = functions("restore").request("GET", f"/api/admin/backups/{name}")

    assert answer.status == 200
    assert answer.body["name"] == NAME.text
    assert answer.body["tables"][0]["name"] == CUSTOMERS
    assert answer.body["objects"] == [NAME.document_key, NAME.manifest_key]


def test_a_download_gives_a_short_lived_address_for_each_object(
    functions: Functions, project: Project
) -> None:
    manifest = back_up(project.database, project.primary, max_object_bytes=700)
    assert len(manifest.volumes) > 2

    answer = functions("restore").request("GET", f"/api/admin/backups/{NAME}/download")

    assert answer.status == 200
    assert answer.body["expires_in_seconds"] == 300
    objects = answer.body["objects"]
    keys = [*(volume.key for volume in manifest.volumes), NAME.manifest_key]
    assert [entry["key"] for entry in objects] == keys
    assert [entry["url"] for entry in objects] == [
        f"https://primary.example/{key}?expires=300" for key in keys
    ]
    assert [entry["sha256"] for entry in objects[:-1]] == [v.sha256 for v in manifest.volumes]


def test_a_download_comes_from_the_mirror_where_the_primary_is_gone(
    functions: Functions, project: Project
) -> None:
    back_up(project.database, project.mirror)

    answer = functions("restore").request("GET", f"/api/admin/backups/{NAME}/download")

    assert answer.body["read_from"] == "mirror"


@pytest.mark.parametrize("has_mirror", [True, False])
def test_a_download_comes_from_the_store_that_has_every_object(
    functions: Functions, project: Project, has_mirror: bool
) -> None:
    back_up(project.database, project.primary, project.mirror if has_mirror else None)
    project.primary.delete(NAME.document_key)

    answer = functions("restore").request("GET", f"/api/admin/backups/{NAME}/download")

    assert answer.body["read_from"] == ("mirror" if has_mirror else "primary")


@pytest.mark.parametrize("asked_as", ["latest", NAME.text])
def test_a_damaged_copy_is_reported_with_the_backup(
    functions: Functions, project: Project, asked_as: str
) -> None:
    back_up(project.database, project.primary, project.mirror)
    project.primary.delete(NAME.document_key)

    answer = functions("restore").request("GET", f"/api/admin/backups/{asked_as}")

    assert answer.body["warnings"] == [f"primary: {NAME.document_key} is damaged: it is missing"]


def test_runs_are_listed_newest_first(functions: Functions, project: Project) -> None:
    runs = functions("restore").runs
    ids = []
    for _ in range(3):
        ids.append(runs.accept(RunKind.PRUNE, Trigger.API).id)
        project.clock.advance(minutes=6)

    everything = functions("restore").request("GET", "/api/admin/runs")
    some = functions("restore").request("GET", "/api/admin/runs", query={"limit": "2"})

    assert [run["id"] for run in everything.body["runs"]] == ids[::-1]
    assert everything.body["next"] is None
    assert [run["id"] for run in some.body["runs"]] == ids[:0:-1]
    assert some.body["next"] == ids[1]
    rest = functions("restore").request("GET", "/api/admin/runs", query={"before": ids[1]})
    assert [run["id"] for run in rest.body["runs"]] == ids[:1]


@pytest.mark.parametrize("before", ["latest", "../x", "", "x" * 300])
def test_what_is_no_runs_id_cannot_be_continued_below(functions: Functions, before: str) -> None:
    answer = functions("restore").request("GET", "/api/admin/runs", query={"before": before})

    assert answer.status == 400
    assert "is not a run ID" in answer.body["error"] or "before" in answer.body["error"]


@pytest.mark.parametrize("limit", ["0", "-1", "101", "many", ""])
def test_a_limit_out_of_range_is_refused(functions: Functions, limit: str) -> None:
    answer = functions("restore").request("GET", "/api/admin/runs", query={"limit": limit})

    assert answer.status == 400
    assert "limit" in answer.body["error"]


def test_an_unknown_run_is_not_found_and_a_malformed_id_refused(functions: Functions) -> None:
    unknown = functions("restore").request("GET", "/api/admin/runs/20261122T120000Z-none")
    malformed = functions("restore").request("GET", "/api/admin/runs/..%2fleases")

    assert (unknown.status, malformed.status) == (404, 400)
    assert unknown.body["error"] == "No run has the ID 20261122T120000Z-none"


def test_a_run_without_a_sign_of_life_is_reported_as_failed(
    functions: Functions, project: Project
) -> None:
    run = functions("restore").runs.accept(RunKind.BACKUP, Trigger.API)
    project.clock.advance(hours=2)

    told = functions("restore").request("GET", f"/api/admin/runs/{run.id}").body

    assert told["status"] == "failed"
    assert told["error"]["message"].startswith("The run stopped without an end")


def test_answers_name_no_secret(functions: Functions, project: Project) -> None:
    back_up(project.database, project.primary)
    restore = functions("restore")

    for path in ("/api/admin/backups", f"/api/admin/backups/{NAME}", "/api/admin/runs"):
        text = str(restore.request("GET", path))
        for secret in ("sb_secret_of_the_project", "the-admin-key", "the-cron-secret"):
            assert secret not in text
    assert PROJECT in str(restore.request("GET", "/api/admin/backups"))


@pytest.mark.parametrize(
    ("path", "limit"),
    [("backups", "0"), ("backups", "501"), ("backups", "x"), ("runs", "0"), ("runs", "101")],
)
def test_a_limit_out_of_its_bounds_is_named_with_what_it_may_be(
    functions: Functions, path: str, limit: str
) -> None:
    answer = functions("restore").request("GET", f"/api/admin/{path}", query={"limit": limit})

    assert answer.status == 400
    assert answer.body["error"].startswith("?limit=: ")
    assert answer.body["hint"] == "docs/api.md says what limit may be on this route."
