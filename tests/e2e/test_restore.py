from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.e2e.deployment import Deployment

EVENTS = Path(__file__).parents[2] / "events"


def test_a_restore_puts_back_every_value_of_wrecked_tables(supakeep: Deployment) -> None:
    name = supakeep.back_up()["backup"]
    supakeep.wreck()
    assert not supakeep.is_pristine()

    run = supakeep.restore(name)

    assert run["status"] == "complete"
    assert supakeep.is_pristine()
    for table in run["result"]["tables"]:
        assert table["rows_in_backup"] == (
            table["inserted"] + table["updated"] + table["unchanged"]
        )
        counted = supakeep.execute(f"select count(*) from {table['name']}")[0][0]
        assert table["rows_in_database"] == counted


def test_rows_that_the_backup_does_not_have_are_left_alone(supakeep: Deployment) -> None:
    name = supakeep.back_up()["backup"]
    supakeep.execute("insert into operation_costs (operation, cost) values ('engrave', 7.25)")

    supakeep.restore(name)

    assert supakeep.execute(
        "select cost::text from operation_costs where operation = 'engrave'"
    ) == [("7.2500",)]


def test_chosen_tables_are_restored_and_no_others(supakeep: Deployment) -> None:
    name = supakeep.back_up()["backup"]
    supakeep.wreck()

    run = supakeep.restore(name, tables=["user_credits"])

    assert [table["name"] for table in run["result"]["tables"]] == ["public.user_credits"]
    assert supakeep.execute("select count(*) from user_credits where balance > 0")[0][0] > 0
    assert supakeep.execute("select distinct name from batch_projects") == [("Untitled",)]


def test_a_dry_run_counts_and_writes_nothing(supakeep: Deployment) -> None:
    supakeep.back_up()
    supakeep.execute("update user_credits set balance = 0 where balance > 0")
    zeroed = supakeep.execute("select count(*) from user_credits where balance = 0")[0][0]

    body = {"name": "latest", "dry_run": True}
    run = supakeep.follow(supakeep.call("POST", "/api/admin/restore", body))

    credits_table = next(
        table for table in run["result"]["tables"] if table["name"] == "public.user_credits"
    )
    assert 0 < credits_table["updated"] <= zeroed
    assert run["result"]["dry_run"] is True
    assert not supakeep.is_pristine()


def test_the_first_insert_after_a_restore_gets_a_free_id(supakeep: Deployment) -> None:
    name = supakeep.back_up()["backup"]
    supakeep.execute("delete from credit_transactions")
    supakeep.execute("alter sequence credit_transactions_id_seq restart with 1")

    supakeep.restore(name)

    user = supakeep.execute("select user_id::text from user_credits limit 1")[0][0]
    inserted = supakeep.execute(
        "insert into credit_transactions (user_id, kind, amount, balance_after) "
        f"values ('{user}', 'bonus', 1, 1) returning id"
    )
    highest = supakeep.execute("select max(id) from credit_transactions")
    assert inserted == highest


def test_a_row_whose_user_is_gone_is_reported_and_the_others_are_restored(
    supakeep: Deployment,
) -> None:
    name = supakeep.back_up()["backup"]
    # one whom nothing else refers to
    gone = supakeep.execute(
        "select user_id::text from user_credits c where not exists "
        "(select from credit_transactions t where t.user_id = c.user_id) and not exists "
        "(select from batch_projects p where p.user_id = c.user_id) limit 1"
    )
    if not gone:
        gone = supakeep.execute("select user_id::text from user_credits limit 1")
    supakeep.execute(f"delete from auth.users where id = '{gone[0][0]}'")

    run = supakeep.restore(name)

    assert run["status"] == "partial"
    credits_table = next(
        table for table in run["result"]["tables"] if table["name"] == "public.user_credits"
    )
    assert credits_table["refused"] == 1
    assert gone[0][0] in credits_table["refused_rows"][0]["row"]
    assert "violates foreign key constraint" in credits_table["refused_rows"][0]["reason"]
    assert credits_table["rows_in_database"] == 399


@pytest.mark.parametrize("confirm", [None, "", "another-project"])
def test_a_restore_must_be_confirmed_with_the_projects_ref(
    supakeep: Deployment, confirm: str | None
) -> None:
    name = supakeep.back_up()["backup"]
    supakeep.wreck()

    answer = supakeep.call("POST", "/api/admin/restore", {"name": name, "confirm": confirm})

    assert answer.status_code == (400 if confirm == "" else 409)
    if confirm != "":
        assert f'"confirm": "{supakeep.ref}"' in answer.json()["hint"]
    assert not supakeep.is_pristine()


def test_a_direct_invocation_restores_as_sam_local_invoke_does(supakeep: Deployment) -> None:
    supakeep.back_up()
    supakeep.wreck()
    event = json.loads((EVENTS / "restore/direct.json").read_text())

    run = supakeep.invoke("RestoreFunction", {**event, "confirm": supakeep.ref})

    assert run["status"] == "complete"
    assert supakeep.is_pristine()


def test_a_backup_of_several_volumes_is_restored_by_the_function(supakeep: Deployment) -> None:
    made = supakeep.run("backup", "--json", MAX_OBJECT_BYTES="300000")
    name = made.json["name"]
    volumes = [key for key in supakeep.keys(supakeep.mirror) if ".sql.json." in key]
    assert len(volumes) > 9
    supakeep.wreck()

    assert supakeep.restore(name)["status"] == "complete"
    assert supakeep.is_pristine()


def test_a_backup_and_a_restore_never_run_over_each_other(supakeep: Deployment) -> None:
    name = supakeep.back_up()["backup"]
    supakeep.stack.wait_idle()
    accepted = supakeep.call("POST", "/api/admin/restore", {"name": name, "confirm": supakeep.ref})

    refused = supakeep.call("POST", "/api/admin/backup")

    assert (accepted.status_code, refused.status_code) == (202, 409)
    supakeep.follow(accepted)


def test_a_restore_can_be_told_to_read_the_mirrors_copy(supakeep: Deployment) -> None:
    name = supakeep.back_up()["backup"]
    supakeep.wreck()

    run = supakeep.restore(name, read_from="mirror")

    assert (run["status"], run["result"]["read_from"]) == ("complete", "mirror")
    assert supakeep.is_pristine()
