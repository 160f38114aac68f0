"""What the functions leave in the audit log, and what the API answers of it."""

from __future__ import annotations

from typing import Any

import pytest

from supakeep.domain.api_key import Scope
from supakeep.domain.audit_log import AuditEntry
from supakeep.errors import StorageUnavailableError
from supakeep.usecases.read_audit_log import read_audit_logs
from supakeep.usecases.read_chain import entries_in
from supakeep.usecases.verify_ledger import verify_ledger
from tests.builders.api_keys import an_api_key, key_named
from tests.builders.backups import NAME, back_up
from tests.builders.lambda_events import ADMIN_KEY, Project, ServedProject
from tests.builders.manifests import PROJECT
from tests.builders.signing import KEYRING
from tests.fakes.faulty_object_store import DamagingObjectStore, FailingObjectStore
from tests.unit.api.conftest import Functions, LocalFunction
from tests.unit.api.emitted import event

pytestmark = pytest.mark.filterwarnings("ignore:No application metrics to publish")

AUDIT = "/api/admin/audit"


def entries(project: ServedProject) -> list[AuditEntry]:
    """What every store holds, oldest first; it is whole."""
    logs = read_audit_logs([project.primary, *project.copies], PROJECT)
    assert verify_ledger(logs, project.clock.now()).problems == ()
    return [found.entry for found in entries_in(logs)]


def told(project: ServedProject) -> list[tuple[str, str, str | None]]:
    return [(entry.action, entry.outcome, entry.target) for entry in entries(project)]


def test_a_restore_names_the_key_the_address_and_how_it_ended(
    project: Project, functions: Functions
) -> None:
    back_up(project.database, project.primary, project.mirror)
    restore = functions("restore")
    restore.project.api_keys.add(an_api_key("support", scopes=(Scope.RESTORE,)))

    body = {"name": "latest", "confirm": PROJECT}
    accepted = restore.request("POST", "/api/admin/restore", key=key_named("support"), body=body)
    [(action, payload)] = project.dispatcher.handed_over
    restore.invoke({**payload, "action": action})

    ended, begun = sorted(entries(restore.project), key=lambda entry: entry.outcome)
    assert (begun.action, begun.outcome) == ("restore", "started")
    assert ended.outcome == "complete"
    for entry in (begun, ended):
        assert (entry.actor.name, entry.actor.address) == ("support", "203.0.113.7")
        assert (entry.run, entry.target) == (accepted.body["run_id"], NAME.text)
    assert ended.detail is not None
    assert "rows in" in ended.detail
    shown = restore.request("GET", accepted.body["status_url"])
    assert shown.body["started_by"] == "a request with the key support"


def test_backups_and_prunes_of_the_schedule_are_recorded_once(
    project: Project, functions: Functions
) -> None:
    for _ in range(2):
        functions("backup").invoke(event("backup/schedule"))
    project.clock.advance(minutes=10)
    functions("prune").invoke(event("prune/schedule"))

    found = entries(functions("backup").project)
    assert [(entry.action, entry.outcome, entry.actor.name) for entry in found] == [
        ("backup", "complete", "schedule"),
        ("prune", "complete", "schedule"),
    ]


def test_a_run_that_fails_is_recorded_with_its_failure_and_no_value(
    project: Project, functions: Functions
) -> None:
    backup = functions("backup")
    backup.project.primary = FailingObjectStore(project.primary, "put")

    with pytest.raises(StorageUnavailableError):
        backup.invoke(event("backup/schedule"))

    [log] = read_audit_logs([project.mirror], PROJECT)
    assert [found.entry.outcome for found in log.entries] == ["failed"]
    assert log.entries[0].entry.detail is None


def test_a_download_and_pins_are_recorded(project: Project, functions: Functions) -> None:
    back_up(project.database, project.primary, project.mirror)
    functions("restore").request("GET", f"/api/admin/backups/{NAME}/download")
    project.clock.advance(minutes=10)
    functions("prune").request("PUT", f"/api/admin/backups/{NAME}/pin")
    project.clock.advance(minutes=10)
    functions("prune").request("DELETE", f"/api/admin/backups/{NAME}/pin")

    assert told(functions("restore").project) == [
        ("download", "links given", NAME.text),
        ("pin", "complete", NAME.text),
        ("unpin", "complete", NAME.text),
    ]


def test_refused_calls_are_recorded_and_a_stranger_cannot_fill_the_store(
    project: Project, functions: Functions
) -> None:
    functions("restore").project.api_keys.add(an_api_key("ci", scopes=(Scope.BACKUP,)))
    # each request meets an execution environment of its own
    for _ in range(20):
        functions("restore").request("GET", "/api/admin/runs", key="wrong")
        functions("restore").request("POST", "/api/admin/restore", key=key_named("ci"), body={})

    strangers, ci = sorted(
        entries(functions("restore").project), key=lambda entry: entry.id, reverse=True
    )
    assert (strangers.outcome, strangers.target) == ("refused", "GET /api/admin/runs")
    assert (strangers.actor.name, strangers.actor.address) == ("stranger", "203.0.113.7")
    assert (ci.actor.name, ci.target) == ("ci", "POST /api/admin/restore")
    assert ci.detail == "The key ci lacks the scope restore"
    project.clock.advance(minutes=10)
    functions("restore").request("GET", "/api/admin/runs", key="wrong")
    assert len(entries(functions("restore").project)) == 3


def test_a_warm_function_asks_no_store_about_the_second_stranger(project: Project) -> None:
    served = project.served()
    requests = LocalFunction("restore", served).warm()
    requests("GET", "/api/admin/runs", key="wrong")
    served.primary = FailingObjectStore(project.primary, "put")

    assert requests("GET", "/api/admin/runs", key="wrong").status == 401


def test_what_cannot_be_recorded_stops_nothing(
    project: Project, caplog: pytest.LogCaptureFixture
) -> None:
    back_up(project.database, project.primary, project.mirror)
    served = project.served()
    served.primary = FailingObjectStore(project.primary, "put")
    served.mirror = FailingObjectStore(project.mirror, "put")

    answer = LocalFunction("restore", served).request("GET", f"/api/admin/backups/{NAME}/download")

    assert answer.status == 200
    assert "could not be recorded in primary" in caplog.text


def test_an_entry_that_no_store_gives_back_is_not_taken_for_recorded(
    project: Project, caplog: pytest.LogCaptureFixture
) -> None:
    back_up(project.database, project.primary, project.mirror)
    served = project.served()
    served.primary = DamagingObjectStore(project.primary, "audit/")
    served.mirror = DamagingObjectStore(project.mirror, "audit/")
    requests = LocalFunction("restore", served).warm()

    assert requests("GET", f"/api/admin/backups/{NAME}/download").status == 200
    assert requests("GET", "/api/admin/runs", key="wrong").status == 401

    [download, refused] = sorted(key for key in project.primary.objects if "audit/" in key)
    for key in (download, refused):
        for store in ("primary", "mirror"):
            assert f"{key} could not be recorded in {store}" in caplog.text


def test_the_route_gives_the_newest_first_in_pages_and_verifies(
    project: Project, functions: Functions
) -> None:
    restore = functions("restore")
    restore.project.keyring = KEYRING
    for _ in range(3):
        restore.project.clock = project.clock
        restore.request("PUT", "/api/admin/backups/x/pin", key="wrong")
        project.clock.advance(minutes=10)

    first = restore.request("GET", AUDIT, query={"limit": "2"}).body
    rest = restore.request("GET", AUDIT, query={"limit": "2", "before": first["next"]}).body
    verified = restore.request("GET", AUDIT, query={"verify": "true"}).body

    shown = [act["key"] for act in (*first["acts"], *rest["acts"])]
    assert shown == sorted(shown, reverse=True)
    assert len(shown) == 3
    assert rest["next"] is None
    assert first["acts"][0]["stores"] == ["primary", "mirror"]
    assert first["acts"][0]["key_id"] == KEYRING.key_id
    assert verified["verification"]["entries"] == verified["verification"]["signed"] == 3


def test_an_entry_that_was_dropped_everywhere_is_noticed(
    project: Project, functions: Functions
) -> None:
    restore = functions("restore")
    for _ in range(3):
        restore.request("GET", AUDIT, key="wrong")
        project.clock.advance(minutes=10)
    middle = sorted(key for key in project.primary.objects if key.startswith("audit/"))[1]
    for store in (project.primary, project.mirror):
        store.delete(middle)

    problems = restore.request("GET", AUDIT, query={"verify": "true"}).body["verification"][
        "problems"
    ]

    assert [p["message"].partition(",")[0] for p in problems] == [
        f"{middle} is missing in every store"
    ]


def test_nobody_without_the_scope_admin_sees_it(functions: Functions) -> None:
    restore = functions("restore")
    scopes: Any = tuple(scope for scope in Scope if scope is not Scope.ADMIN)
    restore.project.api_keys.add(an_api_key("all", scopes=scopes))

    assert restore.request("GET", AUDIT, key=key_named("all")).status == 403
    assert restore.request("GET", AUDIT, key=ADMIN_KEY).status == 200
