from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

from tests.e2e.deployment import Deployment

EVENTS = Path(__file__).parents[2] / "events"

NIGHT = dt.datetime(2026, 11, 22, 3, 0, tzinfo=dt.UTC)


def test_the_schedule_writes_the_days_backup_to_storage_and_mirror(supakeep: Deployment) -> None:
    run = supakeep.back_up()

    today = f"{dt.datetime.now(dt.UTC):%Y-%m-%d}"
    name = f"backup_{supakeep.ref}_{today}"
    assert (run["status"], run["trigger"], run["backup"]) == ("complete", "schedule", name)
    wanted = [f"daily/{name}.manifest.json", f"daily/{name}.sql.json"]
    assert supakeep.keys(supakeep.primary) == wanted
    assert supakeep.keys(supakeep.mirror) == wanted
    for key in wanted:
        assert supakeep.content(supakeep.primary, key) == supakeep.content(supakeep.mirror, key)


def test_what_is_backed_up_is_the_users_list(supakeep: Deployment) -> None:
    name = supakeep.back_up()["backup"]

    document = json.loads(supakeep.content(supakeep.primary, f"daily/{name}.sql.json"))
    rows = {table: len(content["rows"]) for table, content in document["tables"].items()}
    recent = supakeep.execute(
        "select count(*) from batch_images where created_at >= now() - interval '30 days'"
    )[0][0]
    assert rows == {
        "public.user_credits": 400,
        "public.credit_transactions": 10_000,
        "public.batch_projects": 72,
        "public.batch_images": recent,
        "public.operation_costs": 12,
    }
    assert 0 < recent < supakeep.pristine["batch_images"][0]


def test_the_last_ten_thousand_transactions_are_the_newest(supakeep: Deployment) -> None:
    name = supakeep.back_up()["backup"]

    document = json.loads(supakeep.content(supakeep.primary, f"daily/{name}.sql.json"))
    backed_up = {row["id"] for row in document["tables"]["public.credit_transactions"]["rows"]}
    newest = supakeep.execute(
        "select id from credit_transactions order by created_at desc, id desc limit 10000"
    )
    assert backed_up == {row[0] for row in newest}


def test_a_second_delivery_of_the_same_event_makes_no_second_backup(supakeep: Deployment) -> None:
    first = supakeep.back_up(NIGHT)
    second = supakeep.back_up(NIGHT)

    assert second["id"] == first["id"]
    assert second["attempt"] == 1
    assert supakeep.names() == [first["backup"]]


def test_a_second_scheduled_run_of_a_day_gets_a_name_with_its_time(supakeep: Deployment) -> None:
    first = supakeep.back_up(NIGHT)["backup"]
    second = supakeep.back_up(NIGHT + dt.timedelta(hours=6))["backup"]

    assert second.startswith(f"{first}T")
    assert supakeep.names() == [second, first]


def test_an_event_of_an_eventbridge_rule_backs_up_too(supakeep: Deployment) -> None:
    event = json.loads((EVENTS / "backup/eventbridge_rule.json").read_text())
    assert supakeep.invoke("BackupFunction", event)["status"] == "complete"


def test_a_good_backup_starts_a_prune(supakeep: Deployment) -> None:
    supakeep.back_up()
    supakeep.stack.wait_idle()

    runs = supakeep.call("GET", "/api/admin/runs").json()["runs"]
    assert sorted((run["kind"], run["status"]) for run in runs) == [
        ("backup", "complete"),
        ("prune", "complete"),
    ]


def test_a_table_that_may_not_be_read_leaves_a_partial_backup_that_names_the_grant(
    supakeep: Deployment,
) -> None:
    supakeep.execute("revoke select on batch_projects from service_role")
    try:
        run = supakeep.back_up()
    finally:
        supakeep.execute("grant select on batch_projects to service_role")

    assert run["status"] == "partial"
    manifest = supakeep.manifest(run["backup"])
    failed = [entry for entry in manifest.tables if entry.status == "failed"]
    assert [entry.name for entry in failed] == ["public.batch_projects"]
    assert failed[0].error is not None
    assert failed[0].error.message == "Permission denied for table public.batch_projects"
    grant = 'GRANT SELECT ON "public"."batch_projects" TO service_role;'
    assert grant in (failed[0].error.hint or "")
    assert sum(entry.status == "complete" for entry in manifest.tables) == 4
    warnings = [line for line in supakeep.logged() if line.get("type") == "warn"]
    assert any(grant in line["message"] for line in warnings)
