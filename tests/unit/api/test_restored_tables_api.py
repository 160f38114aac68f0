"""Which tables a restore over HTTP takes: those of the policy, or those that the request names."""

from __future__ import annotations

import pytest

from supakeep.domain.policy import BackupPolicy
from tests.builders.backups import CUSTOMERS, ITEMS, NAME, ORDERS, back_up
from tests.builders.lambda_events import Project
from tests.builders.manifests import PROJECT
from tests.fakes.database import EVERY_MODE
from tests.unit.api.asking import GOOD_BODY, asked
from tests.unit.api.conftest import Functions

pytestmark = pytest.mark.filterwarnings("ignore:No application metrics to publish")

WITHOUT_ITEMS = BackupPolicy.parse('[backup]\ntables = "*"\nexclude = ["items"]')


@pytest.fixture(autouse=True)
def _items_have_left_the_policy(functions: Functions, project: Project) -> None:
    back_up(project.database, project.primary, project.mirror)
    project.database.engine = EVERY_MODE
    project.database.delete(ITEMS, id=1)
    functions("restore").project.policy = WITHOUT_ITEMS


def test_a_restore_leaves_it_out_and_says_how_it_is_restored(
    functions: Functions, project: Project
) -> None:
    run = functions("restore").invoke({"action": "restore", **GOOD_BODY})

    assert run["status"] == "partial"
    assert run["result"]["left_out"] == [ITEMS]
    assert any(f"{ITEMS} is in the backup, but not in the" in w for w in run["result"]["warnings"])
    assert set(run["tables"]) == {CUSTOMERS, ORDERS}
    assert len(project.database.rows(ITEMS)) == 4


def test_a_restore_that_names_it_restores_it_and_so_does_its_undo(
    functions: Functions, project: Project
) -> None:
    project.database.insert(ITEMS, {"id": 2, "order_id": 2, "label": "changed since"})
    body = {"action": "restore", **GOOD_BODY, "tables": ["items"]}
    run = functions("restore").invoke(body)
    assert run["status"] == "complete"
    assert "changed since" not in str(project.database.rows(ITEMS))

    undo = {"run_id": run["id"], "confirm": PROJECT}
    answer = functions("restore").request("POST", "/api/admin/restore/undo", body=undo)

    assert answer.status == 202
    [(_, payload)] = project.dispatcher.handed_over
    undone = functions("restore").invoke({**payload, "action": "restore"})
    assert undone["status"] == "complete"
    assert "changed since" in str(project.database.rows(ITEMS))


def test_a_request_for_none_of_the_policys_tables_is_refused(functions: Functions) -> None:
    functions("restore").project.policy = BackupPolicy.parse('[[table]]\nname = "invoices"')

    answer = asked(functions)

    assert answer.status == 409
    assert answer.body["error"].startswith(f"The policy names no table of {NAME}")


def test_a_backup_says_which_of_its_tables_are_in_the_policy(functions: Functions) -> None:
    answer = functions("restore").request("GET", f"/api/admin/backups/{NAME}")

    assert {table["name"]: table["in_policy"] for table in answer.body["tables"]} == {
        CUSTOMERS: True,
        ITEMS: False,
        ORDERS: True,
    }
