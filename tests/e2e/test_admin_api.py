from __future__ import annotations

import datetime as dt
import hashlib
import re

import httpx
import pytest

from tests.e2e.deployment import Deployment

UNAUTHORIZED = {"error": "Unauthorized"}
ADMIN_ROUTES = [
    ("POST", "/api/admin/backup"),
    ("POST", "/api/admin/restore"),
    ("POST", "/api/admin/prune"),
    ("GET", "/api/admin/backups"),
    ("GET", "/api/admin/backups/latest"),
    ("GET", "/api/admin/backups/latest/download"),
    ("POST", "/api/admin/restore/undo"),
    ("POST", "/api/admin/backups/latest/verify"),
    ("POST", "/api/admin/backups/latest/copy"),
    ("GET", "/api/admin/overview"),
    ("GET", "/api/admin/settings"),
    ("GET", "/api/admin/retention"),
    ("GET", "/api/admin/runs"),
    ("GET", "/api/admin/runs/20261122T030000Z-schedule"),
]


def test_a_manual_backup_is_accepted_at_once_and_goes_on(supakeep: Deployment) -> None:
    accepted = supakeep.call("POST", "/api/admin/backup")

    assert accepted.status_code == 202
    answer = accepted.json()
    assert re.fullmatch(rf"backup_{supakeep.ref}_\d{{4}}-\d\d-\d\dT\d{{6}}Z", answer["name"])
    assert answer["status_url"] == f"/api/admin/runs/{answer['run_id']}"
    run = supakeep.follow(accepted)
    assert (run["status"], run["trigger"], run["backup"]) == ("complete", "api", answer["name"])
    table = {"rows": 10_000, "rows_expected": None, "status": "complete"}
    assert run["tables"]["public.credit_transactions"] == table
    assert run["started_by"] == "a request with the admin key"
    again = supakeep.follow(supakeep.call("POST", "/api/admin/backup"))
    assert again["tables"]["public.credit_transactions"] == {**table, "rows_expected": 10_000}
    assert (again["pace"], again["undo"], again["log_url"]) == (None, None, None)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_cron_endpoint_makes_the_days_backup(supakeep: Deployment, method: str) -> None:
    accepted = supakeep.call(method, "/api/cron/backup", key="cron")

    run = supakeep.follow(accepted)
    assert (run["status"], run["trigger"]) == ("complete", "schedule")
    assert re.fullmatch(rf"backup_{supakeep.ref}_\d{{4}}-\d\d-\d\d", run["backup"])


@pytest.mark.parametrize(("method", "path"), [*ADMIN_ROUTES, ("GET", "/api/cron/backup")])
def test_a_wrong_key_and_a_missing_one_are_answered_alike(
    supakeep: Deployment, method: str, path: str
) -> None:
    wrong_kind = "admin" if "/cron/" in path else "cron"
    missing, *wrong = [supakeep.call(method, path, key=key) for key in (None, "wrong", wrong_kind)]

    assert (missing.status_code, missing.json()) == (401, UNAUTHORIZED)
    for answer in wrong:
        # one function answers all of these calls, and after five wrong keys this address has to wait
        waits = answer.status_code == 429 and int(answer.headers["Retry-After"]) > 0
        assert waits or (answer.status_code, answer.json()) == (401, UNAUTHORIZED)
    assert supakeep.keys(supakeep.primary) == []


def test_while_a_run_is_at_work_a_second_is_refused_and_names_it(supakeep: Deployment) -> None:
    runs = supakeep.run_store
    now = dt.datetime.now(dt.UTC)
    runs.acquire_lease("database", "20261122T030000Z-another", now, now + dt.timedelta(minutes=5))

    answers = [
        supakeep.call("POST", "/api/admin/backup"),
        supakeep.call("GET", "/api/cron/backup", key="cron"),
    ]

    assert [answer.status_code for answer in answers] == [409, 409]
    told = "Run 20261122T030000Z-another is at work on this project"
    assert [answer.json()["error"] for answer in answers] == [told, told]
    assert supakeep.keys(supakeep.primary) == []


def test_the_lease_of_a_crashed_run_ends_by_itself(supakeep: Deployment) -> None:
    now = dt.datetime.now(dt.UTC)
    supakeep.run_store.acquire_lease(
        "database", "20261122T030000Z-crashed", now - dt.timedelta(minutes=6), now
    )

    run = supakeep.follow(supakeep.call("POST", "/api/admin/backup"))

    assert run["status"] == "complete"


def test_backups_are_listed_newest_first_with_what_they_hold(supakeep: Deployment) -> None:
    first = supakeep.back_up()["backup"]
    second = supakeep.follow(supakeep.call("POST", "/api/admin/backup"))["backup"]

    answer = supakeep.call("GET", "/api/admin/backups").json()
    assert [backup["name"] for backup in answer["backups"]] == [second, first]
    newest = answer["backups"][0]
    assert newest["status"] == "complete"
    assert newest["locations"] == ["primary", "mirror"]
    assert newest["size_bytes"] == len(
        supakeep.content(supakeep.primary, f"daily/{second}.sql.json")
    )
    rows = {table["name"]: table["rows"] for table in newest["tables"]}
    assert rows["public.user_credits"] == 400
    assert answer["problems"] == {}


def test_one_backup_is_shown_by_name_and_by_latest(supakeep: Deployment) -> None:
    name = supakeep.back_up()["backup"]

    for asked in (name, f"{name}.sql.json", "latest"):
        shown = supakeep.call("GET", f"/api/admin/backups/{asked}")
        assert shown.status_code == 200
        assert shown.json()["name"] == name
        assert shown.json()["consistency"] == "per-table"
        assert shown.json()["locations"] == ["primary", "mirror"]


def test_a_download_gives_addresses_that_serve_the_objects_without_a_key(
    supakeep: Deployment,
) -> None:
    name = supakeep.back_up()["backup"]

    answer = supakeep.call("GET", f"/api/admin/backups/{name}/download").json()
    assert [entry["key"] for entry in answer["objects"]] == [
        f"daily/{name}.sql.json",
        f"daily/{name}.manifest.json",
    ]
    assert 0 < answer["expires_in_seconds"] <= 3600
    document = httpx.get(answer["objects"][0]["url"])
    assert document.status_code == 200
    assert hashlib.sha256(document.content).hexdigest() == answer["objects"][0]["sha256"]


def test_where_storage_lost_a_backup_its_mirrored_copy_is_offered(supakeep: Deployment) -> None:
    name = supakeep.back_up()["backup"]
    for key in supakeep.keys(supakeep.primary):
        supakeep.primary.delete(key)

    listed = supakeep.call("GET", "/api/admin/backups").json()["backups"]
    assert [(backup["name"], backup["locations"]) for backup in listed] == [(name, ["mirror"])]
    answer = supakeep.call("GET", f"/api/admin/backups/{name}/download").json()
    assert answer["read_from"] == "mirror"
    document = httpx.get(answer["objects"][0]["url"])
    assert hashlib.sha256(document.content).hexdigest() == answer["objects"][0]["sha256"]


def test_runs_are_listed_newest_first(supakeep: Deployment) -> None:
    supakeep.back_up()
    supakeep.stack.wait_idle()
    manual = supakeep.follow(supakeep.call("POST", "/api/admin/backup"))
    supakeep.stack.wait_idle()

    ids = [run["id"] for run in supakeep.call("GET", "/api/admin/runs").json()["runs"]]
    assert manual["id"] in ids
    assert ids == sorted(ids, reverse=True)
    first = supakeep.call("GET", "/api/admin/runs?limit=2").json()
    rest = supakeep.call("GET", f"/api/admin/runs?before={first['next']}").json()
    assert [run["id"] for run in (*first["runs"], *rest["runs"])] == ids
    assert rest["next"] is None


def test_an_unknown_run_is_not_found(supakeep: Deployment) -> None:
    answer = supakeep.call("GET", "/api/admin/runs/20261122T030000Z-nowhere")
    assert answer.status_code == 404
    assert answer.json()["error"] == "No run has the ID 20261122T030000Z-nowhere"
