"""What an uptime monitor is answered."""

from __future__ import annotations

import datetime as dt
import json

import pytest

from supakeep.domain.api_key import Scope
from supakeep.domain.manifest import Trigger
from supakeep.domain.run import Run, RunKind, new_run_id
from supakeep.errors import StorageError
from tests.builders.api_keys import an_api_key, key_named
from tests.builders.backups import back_up
from tests.builders.drills import record_drill
from tests.builders.lambda_events import Project
from tests.builders.manifests import place_backup
from tests.fakes.faulty_object_store import FailingObjectStore
from tests.fakes.time import NOON
from tests.unit.api.conftest import LocalFunction

pytestmark = pytest.mark.filterwarnings("ignore:No application metrics to publish")

HEALTH = "/api/admin/health"


@pytest.fixture
def restore(project: Project) -> LocalFunction:
    served = project.served(backup_schedule="cron(0 3 * * ? *)")
    served.api_keys.add(an_api_key("uptime", scopes=(Scope.HEALTH,)))
    return LocalFunction("restore", served)


def test_while_all_is_well_it_answers_200_with_the_ages(
    project: Project, restore: LocalFunction
) -> None:
    manifest = back_up(project.database, project.primary, project.mirror)
    record_drill(project.mirror, manifest=manifest, at=NOON - dt.timedelta(days=2))
    project.clock.advance(hours=3)

    answer = restore.request("GET", HEALTH, key=key_named("uptime"))

    assert (answer.status, answer.body["status"], answer.body["advice"]) == (200, "ok", None)
    assert answer.body["newest_good_age_seconds"] == 3 * 3600
    assert answer.body["max_age_seconds"] == 26 * 3600
    assert answer.body["newest_proof_age_seconds"] == 51 * 3600
    assert answer.body["copies_behind"] == 0
    assert [run["next_at"] for run in answer.body["next_runs"]][:1] == ["2026-11-23T03:00:00Z"]


def test_a_stale_backup_is_503_with_what_to_do_and_no_message_of_a_run(
    project: Project, restore: LocalFunction
) -> None:
    back_up(project.database, project.primary, project.mirror)
    project.clock.advance(hours=27)
    now = project.clock.now()
    run = Run(id=new_run_id(now), kind=RunKind.RESTORE, trigger=Trigger.API, requested_at=now)
    error = StorageError("canary of a row", operation="restore", hint="Look at the run.")
    restore.project.run_store.create(run.failed(now, error))

    answer = restore.request("GET", HEALTH, key=key_named("uptime"))

    assert (answer.status, answer.body["status"]) == (503, "fail")
    assert (
        answer.body["sentence"] == "The newest good backup is 27 hours old; 26 hours are allowed."
    )
    assert answer.body["advice"] == "Start a backup now."
    [failure] = answer.body["last_failures"]
    assert (failure["run"], failure["hint"]) == (run.id, "Look at the run.")
    assert "canary" not in json.dumps(answer.body)


def test_a_copy_that_is_behind_is_counted_and_is_503_only_where_that_is_asked_for(
    project: Project, restore: LocalFunction
) -> None:
    for store in (project.primary, project.mirror):
        place_backup(store, at=NOON - dt.timedelta(hours=20))
    place_backup(project.primary, at=NOON - dt.timedelta(hours=1))

    plain = restore.request("GET", HEALTH, key=key_named("uptime"))
    strict = restore.request("GET", HEALTH, key=key_named("uptime"), query={"strict": "true"})

    assert (plain.status, plain.body["status"], strict.status) == (200, "warn", 503)
    assert plain.body["copies_behind"] == 1
    primary, mirror = plain.body["copies"]
    assert (primary["is_behind"], mirror["is_behind"]) == (False, True)
    assert mirror["newest_good_at"] == "2026-11-21T16:00:00Z"
    assert "supakeep copy latest --to mirror" in plain.body["advice"]


def test_no_backup_at_all_and_no_store_that_answers_are_503(
    project: Project, restore: LocalFunction
) -> None:
    empty = restore.request("GET", HEALTH, key=key_named("uptime"))
    restore.project.primary = FailingObjectStore(project.primary, "list")
    restore.project.mirror = FailingObjectStore(project.mirror, "list")
    silent = restore.request("GET", HEALTH, key=key_named("uptime"))

    assert (empty.status, empty.body["newest_good_age_seconds"]) == (503, None)
    assert (silent.status, silent.body["sentence"]) == (503, "No backup can be read.")
    assert silent.body["copies_behind"] == 2
    assert silent.body["advice"]


def test_its_key_opens_nothing_else(restore: LocalFunction) -> None:
    for path in ("overview", "runs", "backups", "settings", "audit"):
        answer = restore.request("GET", f"/api/admin/{path}", key=key_named("uptime"))
        assert answer.status == 403, path
