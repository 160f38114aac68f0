"""The questions of the dashboard: the overview, one backup, the rules, the settings."""

from __future__ import annotations

import datetime as dt
from typing import Any

from supakeep import __version__
from tests.e2e.deployment import Deployment


def get(supakeep: Deployment, path: str) -> Any:
    answer = supakeep.call("GET", f"/api/admin/{path}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_without_a_backup_the_overview_says_what_to_do(supakeep: Deployment) -> None:
    told = get(supakeep, "overview")

    assert (told["level"], told["sentence"]) == ("fail", "There is no backup yet.")
    assert told["advice"] == "Start a backup now."
    assert told["days"] == []


def test_after_a_backup_the_data_is_safe_until_the_next_one(supakeep: Deployment) -> None:
    name = supakeep.back_up()["backup"]
    supakeep.stack.wait_idle()

    told = get(supakeep, "overview")

    assert told["level"] == "ok", told["findings"]
    assert told["newest_good"]["name"] == name
    assert told["newest_good"]["locations"] == ["primary", "mirror"]
    assert told["last_backup_run"]["started_by"] == "the schedule"
    assert (told["running"], told["max_age_hours"]) == ([], 26)
    assert [day["status"] for day in told["days"]] == ["good"]
    words = {schedule["kind"]: schedule["words"] for schedule in told["schedules"]}
    assert words == {
        "backup": "every day at 03:00 UTC",
        "prune": "every day at 04:30 UTC",
        "drill": "on day 1 of every month at 05:00 UTC",
    }
    now = dt.datetime.now(dt.UTC)
    for schedule in told["schedules"]:
        next_at = dt.datetime.fromisoformat(schedule["next_at"])
        most = dt.timedelta(days=31 if schedule["kind"] == "drill" else 1, minutes=1)
        assert now < next_at < now + most


def test_a_backup_that_failed_since_is_a_warning(supakeep: Deployment) -> None:
    supakeep.back_up()
    supakeep.stack.wait_idle()
    with supakeep.without_bucket():
        run = supakeep.follow(supakeep.call("POST", "/api/admin/backup"))
        # Lambda starts it once more, while the bucket is still missing
        supakeep.stack.wait_idle()
        again = get(supakeep, f"runs/{run['id']}")
    assert (again["status"], again["attempt"]) == ("failed", 2)

    told = get(supakeep, "overview")

    assert told["level"] == "warn"
    assert "Upload failed: Storage bucket not found" in told["sentence"]
    assert told["advice"] == told["last_backup_run"]["error"]["hint"]
    assert told["last_backup_run"]["id"] == run["id"]


def test_one_backup_shows_what_changed_since_the_one_before(supakeep: Deployment) -> None:
    first = supakeep.back_up()["backup"]
    supakeep.execute(
        "delete from batch_images where ctid in (select ctid from batch_images order by created_at desc limit 2)"
    )
    second = supakeep.follow(supakeep.call("POST", "/api/admin/backup"))["backup"]

    told = get(supakeep, f"backups/{second}")

    assert told["compared_with"] == first
    tables = {table["name"]: table for table in told["tables"]}
    images = tables["public.batch_images"]
    assert images["change"]["rows"] == -2
    assert images["change"]["bytes"] < 0
    assert images["primary_key"]
    assert {column["name"] for column in images["columns"]} > set(images["primary_key"])
    assert [(copy["store"], copy["keep"]) for copy in told["retention"]] == [
        ("primary", True),
        ("mirror", True),
    ]
    assert get(supakeep, f"backups/{first}")["compared_with"] is None


def test_other_retention_rules_are_tried_without_harm(supakeep: Deployment) -> None:
    now = dt.datetime.now(dt.UTC)
    old = supakeep.back_up(now - dt.timedelta(days=3))["backup"]
    supakeep.back_up()
    supakeep.stack.wait_idle()

    told = get(supakeep, "retention?keep_within_days=14")

    assert (told["kept"], told["removed"]) == (4, 0)
    assert {backup["name"] for backup in told["backups"]} >= {old}
    assert get(supakeep, "retention")["rules"] == {"keep_within_days": 7}


def test_the_settings_are_those_of_the_deployment(supakeep: Deployment) -> None:
    told = get(supakeep, "settings")

    assert told["project"]["ref"] == supakeep.ref
    assert told["project"]["mirror"] == supakeep.stack.mirror_bucket
    assert told["engine"]["name"] == "rest"
    assert {rule["name"]: rule["rows"] for rule in told["policy"]["tables"]} == {
        "public.user_credits": "all",
        "public.credit_transactions": "last 10,000 by created_at",
        "public.batch_projects": "all",
        "public.batch_images": "last 30 days by created_at",
        "public.operation_costs": "all",
    }
    assert told["versions"]["supakeep"] == __version__
    for secret in (
        supakeep.stack.admin_key,
        supakeep.stack.cron_secret,
        supakeep.stack.service_key,
    ):
        assert secret not in str(told)
