from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from supakeep.domain.run import RunKind
from tests.builders.backups import NAME, back_up
from tests.builders.lambda_events import Project
from tests.builders.manifests import place_backup
from tests.fakes.time import NOON
from tests.unit.api.conftest import Functions, LocalFunction
from tests.unit.api.emitted import event

pytestmark = pytest.mark.filterwarnings("ignore:No application metrics to publish")

PIN = f"/api/admin/backups/{NAME}/pin"
UNTIL = "2026-12-24"
BOTH = [{"store": store, "until": UNTIL, "problem": None} for store in ("primary", "mirror")]


@pytest.fixture(autouse=True)
def _a_backup(project: Project) -> None:
    back_up(project.database, project.primary, project.mirror)


@pytest.mark.parametrize("path", [PIN, "/api/admin/backups/latest/pin"])
def test_a_backup_is_pinned_shown_as_pinned_and_unpinned(functions: Functions, path: str) -> None:
    pinned = functions("prune").request("PUT", path, body={"until": UNTIL})

    assert (pinned.status, pinned.body["until"]) == (200, UNTIL)
    assert [(s["store"], s["state"]) for s in pinned.body["stores"]] == [
        ("primary", "pinned"),
        ("mirror", "pinned"),
    ]
    [listed] = functions("restore").request("GET", "/api/admin/backups").body["backups"]
    shown = functions("restore").request("GET", f"/api/admin/backups/{NAME}").body
    for backup in (listed, shown):
        assert backup["pins"] == BOTH
        assert backup["retention"][0]["reason"] == f"pinned until {UNTIL}, the newest good backup"
        assert backup["retention"][0]["goes_at"] == "2026-12-25T00:00:00Z"

    unpinned = functions("prune").request("DELETE", path)
    assert {s["state"] for s in unpinned.body["stores"]} == {"unpinned"}
    [listed] = functions("restore").request("GET", "/api/admin/backups").body["backups"]
    assert listed["pins"] == []


def test_no_rule_that_is_tried_out_removes_a_pinned_backup(
    functions: Functions, project: Project
) -> None:
    old = place_backup(project.primary, at=NOON - dt.timedelta(days=99))
    functions("prune").request("PUT", f"/api/admin/backups/{old}/pin")

    simulated = functions("restore").request(
        "GET", "/api/admin/retention", query={"keep_last": "1"}
    )
    dry_run = functions("prune").request("POST", "/api/admin/prune", body={"dry_run": True})

    [copy] = next(b for b in simulated.body["backups"] if b["name"] == old.text)["copies"]
    assert (copy["keep"], copy["reason"], copy["goes_at"]) == (True, "pinned", None)
    reasons = {b["name"]: b["reason"] for b in dry_run.body["stores"][0]["backups"]}
    assert reasons[old.text] == "pinned"


def test_without_a_body_a_pin_has_no_end(functions: Functions) -> None:
    assert functions("prune").request("PUT", PIN).body["until"] is None


def test_while_a_prune_is_at_work_nothing_is_pinned(project: Project) -> None:
    served, prune = project.served(), "20261122T115900Z-prune"
    served.run_store.acquire_lease(RunKind.PRUNE, prune, NOON, NOON + dt.timedelta(minutes=5))

    answer = LocalFunction("prune", served).request("PUT", PIN)

    assert answer.status == 409
    assert prune in answer.body["error"]
    assert not any("pin" in key for key in project.primary.objects)


@pytest.mark.parametrize(
    ("body", "status", "sentence"),
    [
        ({"until": "2026-11-21"}, 400, "would be over already"),
        ({"until": "soon"}, 400, "until"),
        ({"until": "2026-02-30"}, 400, "until"),
        ({"till": UNTIL}, 400, "till"),
    ],
)
def test_a_bad_request_is_refused_with_a_sentence(
    functions: Functions, body: dict[str, Any], status: int, sentence: str
) -> None:
    answer = functions("prune").request("PUT", PIN, body=body)

    assert answer.status == status
    assert sentence in answer.body["error"]


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_a_backup_that_is_not_there_is_not_found(functions: Functions, method: str) -> None:
    path = "/api/admin/backups/backup_jewelshot_2020-01-01/pin"
    assert functions("prune").request(method, path).status == 404


def test_what_is_no_name_is_refused(functions: Functions) -> None:
    assert functions("prune").request("PUT", "/api/admin/backups/daily/pin").status == 400


def test_another_method_is_not_allowed(functions: Functions) -> None:
    answer = functions("prune").request("GET", PIN)
    assert (answer.status, answer.headers["Allow"]) == (405, "PUT, DELETE")


@pytest.mark.parametrize("name", ["prune/http_pin", "prune/http_unpin"])
def test_the_kept_events_are_answered(functions: Functions, name: str) -> None:
    sent = event(name)
    sent["headers"]["authorization"] = "Bearer wrong"
    assert functions("prune").invoke(sent)["statusCode"] == 401
