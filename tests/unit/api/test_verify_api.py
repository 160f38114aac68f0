from __future__ import annotations

import pytest

from tests.builders.backups import NAME, back_up
from tests.builders.lambda_events import Project
from tests.builders.manifests import PROJECT
from tests.unit.api.conftest import Functions

pytestmark = pytest.mark.filterwarnings("ignore:No application metrics to publish")

VERIFY = f"/api/admin/backups/{NAME}/verify"


@pytest.fixture(autouse=True)
def _a_backup(project: Project) -> None:
    back_up(project.database, project.primary, project.mirror)


@pytest.mark.parametrize("path", [VERIFY, "/api/admin/backups/latest/verify"])
def test_a_verification_is_accepted_handed_over_and_carried_out(
    functions: Functions, project: Project, path: str
) -> None:
    accepted = functions("restore").request("POST", path)

    assert (accepted.status, accepted.body["name"]) == (202, NAME.text)
    [(action, payload)] = project.dispatcher.handed_over
    run = functions("restore").invoke({**payload, "action": action})
    assert (action, run["kind"], run["status"]) == ("verify", "verify", "complete")
    told = functions("restore").request("GET", accepted.body["status_url"]).body
    assert [(copy["store"], copy["good"]) for copy in told["result"]["copies"]] == [
        ("primary", True),
        ("mirror", True),
    ]
    assert (told["undo"], told["backup"]) == (None, NAME.text)


def test_one_copy_may_be_named(functions: Functions, project: Project) -> None:
    functions("restore").request("POST", VERIFY, body={"read_from": "mirror"})

    [(_, payload)] = project.dispatcher.handed_over
    assert payload["read_from"] == "mirror"


@pytest.mark.parametrize(
    ("path", "body", "status", "word"),
    [
        (VERIFY, {"read_from": "moon"}, 400, "There is no copy named 'moon'"),
        (VERIFY, {"deep": True}, 400, "deep"),
        (f"/api/admin/backups/backup_{PROJECT}_2020-01-01/verify", None, 404, "No backup is named"),
        ("/api/admin/backups/nonsense/verify", None, 400, "is not the name of a backup"),
    ],
)
def test_a_bad_request_is_refused_with_a_sentence(
    functions: Functions, path: str, body: object, status: int, word: str
) -> None:
    answer = functions("restore").request("POST", path, body=body)

    assert answer.status == status
    assert word in answer.body["error"]


def test_a_second_verification_is_refused_while_one_is_at_work(functions: Functions) -> None:
    assert functions("restore").request("POST", VERIFY).status == 202
    assert functions("restore").request("POST", VERIFY).status == 409
    assert functions("backup").request("POST", "/api/admin/backup").status == 202
