from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest

from supakeep.api.runtime import Projects
from supakeep.domain.engine import POSTGRES
from supakeep.domain.manifest import Trigger
from supakeep.domain.run import RunKind
from tests.builders.api_keys import an_api_key
from tests.builders.backups import NAME, back_up
from tests.builders.drills import record_drill
from tests.builders.lambda_events import InvocationContext, Project, http_event
from tests.builders.manifests import PROJECT, place_backup
from tests.fakes.faulty_object_store import FailingObjectStore
from tests.fakes.time import NOON
from tests.unit.api.conftest import Functions, LocalFunction
from tests.unit.api.emitted import event

pytestmark = pytest.mark.filterwarnings("ignore:No application metrics to publish")

SCHEDULES = {"backup_schedule": "cron(0 3 * * ? *)", "prune_schedule": "rate(6 hours)"}


def get(function: LocalFunction, path: str, **query: str) -> Any:
    answer = function.request("GET", f"/api/admin/{path}", query=query)
    assert answer.status == 200, answer.body
    return answer.body


def test_the_overview_says_that_the_data_is_safe_and_on_what_grounds(project: Project) -> None:
    back_up(project.database, project.primary, project.mirror)
    place_backup(project.primary, at=NOON - dt.timedelta(days=2))
    restore = LocalFunction("restore", project.served(**SCHEDULES))
    run = restore.runs.accept(RunKind.BACKUP, Trigger.API)

    told = get(restore, "overview")

    assert (told["level"], told["advice"]) == ("ok", None)
    assert told["sentence"].startswith("Your data is safe")
    assert told["newest_good"]["name"] == NAME.text
    assert told["newest_good"]["locations"] == ["primary", "mirror"]
    assert [(s["kind"], s["next_at"]) for s in told["schedules"]] == [
        ("backup", "2026-11-23T03:00:00Z"),
        ("prune", None),
    ]
    assert (told["restore_proven_at"], told["recovery_seconds"]) == (None, None)
    assert [running["id"] for running in told["running"]] == [run.id]
    assert [day["status"] for day in told["days"]] == ["good", "missing", "good"]
    assert (told["backups"], told["max_age_hours"]) == (2, 26)


def test_the_overview_and_the_health_say_which_key_ends_soon(project: Project) -> None:
    back_up(project.database, project.primary, project.mirror)
    restore = LocalFunction("restore", project.served(**SCHEDULES))
    restore.project.api_keys.add(an_api_key("ci", expires_at=NOON + dt.timedelta(days=3)))

    overview, health = get(restore, "overview"), get(restore, "health")

    assert (overview["level"], health["status"]) == ("warn", "warn")
    assert overview["sentence"] == "The key ci ends on 2026-11-25 12:00 UTC."
    assert "supakeep keys revoke ci" in overview["advice"]
    assert health["sentence"] == overview["sentence"]


def test_the_overview_says_when_a_drill_has_last_proven_a_backup(project: Project) -> None:
    manifest = back_up(project.database, project.primary, project.mirror)
    proven_at = NOON - dt.timedelta(days=2)
    record_drill(project.mirror, manifest=manifest, at=proven_at)
    record_drill(project.mirror, manifest=manifest, at=NOON, outcomes="pppf-")

    told = get(LocalFunction("restore", project.served(**SCHEDULES)), "overview")

    assert told["restore_proven_at"] == "2026-11-20T12:00:00Z"
    assert told["recovery_seconds"] == 1
    sentences = [finding["sentence"] for finding in told["findings"]]
    assert "A drill proved 2 days ago that a backup restores." in sentences


def test_where_no_store_answers_the_overview_still_does(project: Project) -> None:
    served = project.served()
    served.primary = FailingObjectStore(project.primary, "list")
    served.mirror = FailingObjectStore(project.mirror, "list")

    told = get(LocalFunction("restore", served), "overview")

    assert (told["level"], told["sentence"]) == ("fail", "No backup can be read.")
    assert list(told["problems"]) == ["primary", "mirror"]


def test_a_backup_is_listed_with_the_verdict_on_each_copy(
    functions: Functions, project: Project
) -> None:
    back_up(project.database, project.primary, project.mirror)
    old = place_backup(project.primary, at=NOON - dt.timedelta(days=9))

    listed = get(functions("restore"), "backups")["backups"]

    assert [copy["reason"] for copy in listed[0]["retention"]] == ["the newest good backup"] * 2
    gone = {"store": "primary", "keep": False, "reason": "older than 7 days"}
    assert listed[1]["retention"] == [{**gone, "goes_at": "2026-11-22T12:00:00Z"}]
    assert get(functions("restore"), f"backups/{old}")["retention"] == listed[1]["retention"]
    assert get(functions("restore"), f"backups/{NAME}")["retention"] == listed[0]["retention"]


def test_one_backup_is_shown_with_its_tables_and_what_changed(
    functions: Functions, project: Project
) -> None:
    before = place_backup(project.primary, at=NOON - dt.timedelta(days=1))
    back_up(project.database, project.primary, project.mirror)

    first = get(functions("restore"), f"backups/{before}")
    told = get(functions("restore"), f"backups/{NAME}")

    assert (first["compared_with"], first["missing_tables"]) == (None, [])
    assert told["compared_with"] == before.text
    assert told["missing_tables"] == ["public.user_credits"]
    orders = next(table for table in told["tables"] if table["name"] == "public.orders")
    assert orders["columns"] == [
        {"name": "id", "type": "bigint"},
        {"name": "customer_id", "type": "bigint"},
    ]
    assert (orders["primary_key"], orders["references"]) == (["id"], ["public.customers"])
    assert orders["change"] is None


def test_a_table_is_compared_with_the_good_backup_before(
    functions: Functions, project: Project
) -> None:
    back_up(project.database, project.primary)
    project.clock.advance(hours=1)
    project.database.delete("public.items", id=1)
    place_backup(project.primary, at=NOON + dt.timedelta(minutes=1), good=False)
    accepted = functions("backup").request("POST", "/api/admin/backup").body
    [(_, payload)] = project.dispatcher.handed_over
    functions("backup").invoke({**payload, "action": "backup"})

    told = get(functions("restore"), f"backups/{accepted['name']}")

    assert told["compared_with"] == NAME.text
    changes = {table["name"]: table["change"] for table in told["tables"]}
    assert changes["public.customers"] == {"rows": 0, "bytes": 0}
    assert changes["public.items"]["rows"] == -1
    assert changes["public.items"]["bytes"] < 0


def test_other_rules_are_tried_without_removing_anything(
    functions: Functions, project: Project
) -> None:
    back_up(project.database, project.primary, project.mirror)
    old = place_backup(project.primary, at=NOON - dt.timedelta(days=9))
    restore = functions("restore")

    deployed = get(restore, "retention")
    longer = get(restore, "retention", keep_within_days="14")

    assert (deployed["rules"], deployed["kept"], deployed["removed"]) == (
        {"keep_within_days": 7}, 2, 1,
    )  # fmt: skip
    assert deployed["removed_bytes"] == len(b"a document")
    assert (longer["kept"], longer["removed"], longer["removed_bytes"]) == (3, 0, 0)
    kept = next(backup for backup in longer["backups"] if backup["name"] == old.text)
    assert (kept["keep"], kept["deployed_keeps"]) == (True, False)
    assert "14 days" in longer["words"]
    assert len(get(restore, "backups")["backups"]) == 2


@pytest.mark.parametrize("days", ["0", "-1", "36501", "many", ""])
def test_rules_that_keep_nothing_are_refused(functions: Functions, days: str) -> None:
    query = {"keep_within_days": days}
    answer = functions("restore").request("GET", "/api/admin/retention", query=query)

    assert answer.status == 400
    assert answer.body["error"].startswith("?keep_within_days=: ")


def test_the_settings_are_shown_without_a_secret(project: Project) -> None:
    restore = LocalFunction("restore", project.served(mirror_s3_bucket="copies", **SCHEDULES))

    told = get(restore, "settings")

    assert told["project"] == {
        "ref": PROJECT,
        "url": f"https://{PROJECT}.supabase.co",
        "destination": PROJECT,
        "storage_bucket": "backups",
        "mirror": "copies",
        "copies": [],
    }
    assert told["policy"]["patterns"]["tables"] == ["*"]
    assert told["retention"]["rules"] == {"keep_within_days": 7}
    assert [s["words"] for s in told["schedules"]] == ["every day at 03:00 UTC", "every 6 hours"]
    assert told["versions"]["format"] == "supakeep/1.1"
    for secret in ("sb_secret_of_the_project", "the-admin-key", "the-cron-secret"):
        assert secret not in str(told)


def test_the_settings_say_what_the_engine_can_do(project: Project) -> None:
    rest = get(LocalFunction("restore", project.served()), "settings")["engine"]
    project.database.engine = POSTGRES
    postgres = get(LocalFunction("restore", project.served()), "settings")["engine"]

    assert (rest["name"], rest["undo"]["possible"]) == ("rest", False)
    assert "SUPABASE_DB_URL" in rest["undo"]["reason"]
    assert [(m["mode"], m["possible"]) for m in rest["modes"]] == [
        ("merge", True),
        ("missing-only", False),
        ("replace", False),
    ]
    assert postgres["undo"] == {"possible": True, "reason": None}
    assert all(mode["possible"] and mode["reason"] is None for mode in postgres["modes"])


def test_a_warm_function_reads_each_manifest_once(project: Project) -> None:
    served = project.served()
    names = [place_backup(project.primary, at=NOON - dt.timedelta(days=days)) for days in range(3)]
    function = LocalFunction("restore", served)
    handler = function.module.create_handler(Projects(lambda: served, lambda: served))
    event = http_event("GET", "/api/admin/backups")
    first = handler(event, InvocationContext())
    served.primary = FailingObjectStore(project.primary, "read")

    again = handler(event, InvocationContext())

    assert again["body"] == first["body"]
    assert [b["name"] for b in json.loads(again["body"])["backups"]] == [n.text for n in names]


def test_a_list_without_details_does_not_grow_with_the_tables(
    functions: Functions, project: Project
) -> None:
    back_up(project.database, project.primary, project.mirror)

    [whole] = get(functions("restore"), "backups")["backups"]
    [short] = get(functions("restore"), "backups", details="false")["backups"]

    assert len(whole["tables"]) == 3
    assert (short["tables"], short["objects"]) == ([], [])
    assert (short["rows"], short["retention"]) == (whole["rows"], whole["retention"])


def test_details_are_asked_for_with_true_or_false(functions: Functions) -> None:
    answer = functions("restore").request("GET", "/api/admin/backups", query={"details": "some"})

    assert answer.status == 400
    assert answer.body["error"].startswith("?details=: ")


def test_a_backup_of_the_future_is_no_answer_to_latest_and_is_named(
    functions: Functions, project: Project
) -> None:
    good = place_backup(project.primary, at=NOON - dt.timedelta(hours=1))
    future = place_backup(project.primary, at=NOON + dt.timedelta(days=300))

    latest = functions("restore").request("GET", "/api/admin/backups/latest").body
    overview = functions("restore").request("GET", "/api/admin/overview").body

    assert latest["name"] == good.text
    assert latest["warnings"] == [
        f"{future} was passed over: it is dated in the future (2027-09-18 12:00 UTC)"
    ]
    assert overview["newest_good"]["name"] == good.text
    assert any(f["sentence"].startswith(f"{future} is dated in the") for f in overview["findings"])


def test_the_age_that_is_measured_is_not_that_of_a_backup_of_the_future(
    functions: Functions, project: Project
) -> None:
    place_backup(project.primary, at=NOON - dt.timedelta(hours=1))
    place_backup(project.mirror, at=NOON + dt.timedelta(days=300))

    answer = functions("prune").invoke(event("prune/measure"))

    assert answer == {"newest_good_at": (NOON - dt.timedelta(hours=1)).isoformat()}
