from __future__ import annotations

import pytest

from tests.builders.backups import NAME, back_up
from tests.builders.lambda_events import Project
from tests.unit.api.conftest import Functions, LocalFunction

pytestmark = pytest.mark.filterwarnings("ignore:No application metrics to publish")

COPY = f"/api/admin/backups/{NAME}/copy"


@pytest.fixture(autouse=True)
def _a_backup(project: Project) -> None:
    back_up(project.database, project.primary)


@pytest.mark.parametrize("path", [COPY, "/api/admin/backups/latest/copy"])
def test_a_copy_is_accepted_handed_over_and_carried_out(
    functions: Functions, project: Project, path: str
) -> None:
    accepted = functions("restore").request("POST", path)

    assert (accepted.status, accepted.body["name"]) == (202, NAME.text)
    [(action, payload)] = project.dispatcher.handed_over
    run = functions("restore").invoke({**payload, "action": action})
    assert (action, run["kind"], run["status"]) == ("copy", "copy", "complete")
    assert project.mirror.objects == project.primary.objects
    told = functions("restore").request("GET", accepted.body["status_url"]).body
    [backup] = told["result"]["backups"]
    assert [(s["store"], s["problem"]) for s in backup["stores"]] == [
        ("primary", None),
        ("mirror", None),
    ]


def test_one_store_may_be_named(functions: Functions, project: Project) -> None:
    functions("restore").request("POST", COPY, body={"to": "mirror"})

    [(_, payload)] = project.dispatcher.handed_over
    assert payload["to"] == "mirror"


@pytest.mark.parametrize(
    ("body", "sentence"),
    [({"to": "moon"}, "There is no copy named 'moon'"), ({"from": "mirror"}, "from")],
    ids=str,
)
def test_a_bad_request_is_refused_with_a_sentence(
    functions: Functions, project: Project, body: dict[str, str], sentence: str
) -> None:
    answer = functions("restore").request("POST", COPY, body=body)

    assert answer.status == 400
    assert sentence in str(answer.body)
    assert project.dispatcher.handed_over == []


def test_without_a_copy_nothing_is_accepted(project: Project) -> None:
    served = project.served()
    served.mirror = None

    answer = LocalFunction("restore", served).request("POST", COPY)

    assert answer.status == 400
    assert "There is no copy to copy to or from" in str(answer.body)


def test_a_prune_spares_the_backup_that_is_copied(functions: Functions) -> None:
    restore = functions("restore")
    restore.request("POST", COPY)

    assert restore.runs.backups_in_use() == {NAME.text}
