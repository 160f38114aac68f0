from __future__ import annotations

from typing import Any

import pytest

from supakeep.domain.engine import POSTGRES
from tests.builders.backups import NAME, ORDERS, back_up
from tests.builders.lambda_events import Project
from tests.builders.manifests import PROJECT
from tests.fakes.database import EVERY_MODE
from tests.unit.api.asking import asked
from tests.unit.api.conftest import Answer, Functions

pytestmark = pytest.mark.filterwarnings("ignore:No application metrics to publish")

UNDO = "/api/admin/restore/undo"


def carried_out(functions: Functions, project: Project, answer: Answer) -> dict[str, Any]:
    """The run as the API shows it after its work was done."""
    assert answer.status == 202, answer.body
    _, payload = project.dispatcher.handed_over[-1]
    functions("restore").invoke({**payload, "action": "restore"})
    run: dict[str, Any] = functions("restore").request("GET", answer.body["status_url"]).body
    return run


@pytest.fixture
def restored(functions: Functions, project: Project) -> dict[str, Any]:
    """A restore that an engine with undo has carried out."""
    back_up(project.database, project.primary, project.mirror)
    project.database.engine = EVERY_MODE
    return carried_out(functions, project, asked(functions, tables=["orders"]))


def test_a_restore_says_that_it_can_be_undone_and_is(
    functions: Functions, project: Project, restored: dict[str, Any]
) -> None:
    assert restored["undo"] == {"possible": True, "reason": None}
    body = {"run_id": restored["id"], "confirm": PROJECT}

    answer = functions("restore").request("POST", UNDO, body=body)

    assert answer.body["name"] == restored["result"]["undo_backup"]
    [(_, restore), (_, undo)] = project.dispatcher.handed_over
    assert (restore["mode"], undo["mode"], undo["name"]) == (
        "merge",
        "replace",
        answer.body["name"],
    )


def test_without_a_run_the_newest_restore_is_undone(
    functions: Functions, restored: dict[str, Any]
) -> None:
    body = {"dry_run": True, "tables": ["orders"]}
    answer = functions("restore").request("POST", UNDO, body=body)

    assert (answer.status, answer.body["name"]) == (202, restored["result"]["undo_backup"])


@pytest.mark.parametrize(
    ("body", "status", "sentence"),
    [
        ({}, 409, "must be confirmed"),
        ({"confirm": "another"}, 409, "You confirmed another"),
        ({"run_id": "nonsense", "confirm": PROJECT}, 400, "is not a run ID"),
        ({"run_id": "20261122T120000Z-none", "confirm": PROJECT}, 404, "No undo copy was made"),
        ({"tables": ["customers"], "confirm": PROJECT}, 400, "has no table public.customers"),
        ({"tables": [], "confirm": PROJECT}, 400, "tables"),
        ({"mode": "merge"}, 400, "is not a field of this request"),
    ],
)
@pytest.mark.usefixtures("restored")
def test_a_bad_request_is_refused_with_a_sentence(
    functions: Functions, body: dict[str, Any], status: int, sentence: str
) -> None:
    answer = functions("restore").request("POST", UNDO, body=body)

    assert answer.status == status
    assert sentence in answer.body["error"]


def test_where_the_engine_cannot_undo_the_restore_and_the_route_say_why(
    functions: Functions, project: Project
) -> None:
    back_up(project.database, project.primary, project.mirror)
    run = carried_out(functions, project, asked(functions, tables=["orders"]))

    answer = functions("restore").request("POST", UNDO, body={"confirm": PROJECT})

    assert run["undo"]["possible"] is False
    assert "SUPABASE_DB_URL" in run["undo"]["reason"]
    assert (answer.status, answer.body["error"]) == (400, "The rest engine cannot undo a restore")
    assert "SUPABASE_DB_URL" in answer.body["hint"]


def test_neither_a_dry_run_nor_one_without_an_undo_copy_can_be_undone(
    functions: Functions, project: Project
) -> None:
    back_up(project.database, project.primary, project.mirror)
    project.database.engine = EVERY_MODE

    dry = carried_out(functions, project, asked(functions, dry_run=True))
    bare = carried_out(functions, project, asked(functions, keep_undo=False))

    assert dry["undo"]["reason"] == "It was a dry run, which wrote nothing"
    assert "keep_undo" in bare["undo"]["reason"]
    assert POSTGRES.can_undo
    assert (NAME.text, ORDERS) == (dry["result"]["backup"], "public.orders")
