"""The built functions with the database's address in their secret."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from devstack.stack import Options
from tests.e2e.deployment import deployed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.e2e.deployment import Deployment


@pytest.fixture(scope="module")
def with_database_url() -> Iterator[Deployment]:
    with deployed(Options(engine="postgres")) as deployment:
        yield deployment


@pytest.fixture
def direct(with_database_url: Deployment) -> Iterator[Deployment]:
    """A deployment whose secret holds SUPABASE_DB_URL too, without any backup or run."""
    with with_database_url.afresh() as deployment:
        yield deployment


def tables_of(run: dict[str, Any]) -> dict[str, Any]:
    return {table["name"]: table for table in run["result"]["tables"]}


def test_a_backup_is_one_snapshot_and_a_restore_one_transaction(direct: Deployment) -> None:
    run = direct.back_up()
    assert run["result"]["engine"] == "postgres"
    manifest = direct.manifest(run["backup"])
    assert (manifest.consistency, bool(manifest.wal_position)) == ("snapshot", True)
    assert manifest.definitions is not None
    assert manifest.definitions.stored is not None, manifest.definitions.problem
    direct.wreck()

    restored = direct.restore(run["backup"])

    assert restored["status"] == "complete"
    assert direct.is_pristine()
    undo = restored["result"]["undo_backup"]
    assert direct.manifest(undo).trigger == "pre-restore"
    assert direct.call("GET", "/api/admin/backups/latest").json()["name"] == run["backup"]


def test_a_restore_is_undone_over_the_api(direct: Deployment) -> None:
    name = direct.back_up()["backup"]
    direct.wreck()
    wrecked = direct.state()
    restored = direct.restore(name)
    assert restored["undo"] == {"possible": True, "reason": None}
    body = {"run_id": restored["id"], "confirm": direct.stack.destination}

    undone = direct.follow(direct.call("POST", "/api/admin/restore/undo", body))

    assert undone["status"] == "complete"
    assert direct.state() == wrecked
    assert undone["undo"]["possible"]
    # the newest restore is the undo itself
    again = {"confirm": direct.stack.destination}
    redone = direct.follow(direct.call("POST", "/api/admin/restore/undo", again))
    assert redone["status"] == "complete"
    assert direct.is_pristine()


def test_a_dry_run_shows_old_and_new_values(direct: Deployment) -> None:
    name = direct.back_up()["backup"]
    direct.execute("update operation_costs set cost = 7 where operation = 'preview'")

    run = direct.follow(direct.call("POST", "/api/admin/restore", {"name": name, "dry_run": True}))

    costs = tables_of(run)["public.operation_costs"]
    assert (costs["updated"], costs["unchanged"]) == (1, 11)
    assert costs["updated_rows"][0]["columns"]["cost"] == ["7.0000", "0.0001"]
    assert direct.execute("select cost::text from operation_costs where cost = 7") == [("7.0000",)]


def test_replace_removes_what_the_backup_does_not_have(direct: Deployment) -> None:
    name = direct.back_up()["backup"]
    direct.execute("insert into operation_costs (operation, cost) values ('engrave', 7.25)")

    run = direct.restore(name, tables=["operation_costs"], mode="replace")

    assert tables_of(run)["public.operation_costs"]["deleted"] == 1
    assert direct.is_pristine()


def test_one_users_rows_are_all_that_is_brought_back(direct: Deployment) -> None:
    name = direct.back_up()["backup"]
    user, other = (
        row[0] for row in direct.execute("select user_id::text from user_credits limit 2")
    )
    direct.execute("update user_credits set plan = 'lost'")

    direct.restore(name, tables=["user_credits"], where={"user_id": user})

    plans = dict(direct.execute("select user_id::text, plan from user_credits"))
    assert plans[user] != "lost"
    assert plans[other] == "lost"
    assert sum(plan == "lost" for plan in plans.values()) == 399


def test_a_restore_is_undone_from_a_shell(direct: Deployment) -> None:
    name = direct.back_up()["backup"]
    direct.execute("update user_credits set plan = 'as it was before the restore'")
    before = direct.state()
    database = {"SUPABASE_DB_URL": direct.stack.database_url}
    run = direct.restore(name)
    assert direct.is_pristine()

    undone = direct.run("undo", run["id"], "--confirm", direct.stack.database_place, **database)

    assert undone.code == 0, undone.err
    assert direct.state() == before


def test_nothing_is_kept_of_a_restore_that_would_violate_a_foreign_key(direct: Deployment) -> None:
    name = direct.back_up()["backup"]
    gone = direct.execute("select user_id::text from batch_projects limit 1")[0][0]
    direct.execute(f"delete from auth.users where id = '{gone}'")
    before = direct.state()

    run = direct.restore(name)

    assert run["status"] == "failed"
    assert "foreign keys would be violated" in run["error"]["message"]
    assert "user_credits" in run["error"]["message"]
    assert direct.state() == before


def test_the_database_and_a_folder_are_enough(direct: Deployment, tmp_path: Path) -> None:
    alone = {
        "SUPABASE_DB_URL": direct.stack.database_url,
        "NEXT_PUBLIC_SUPABASE_URL": "",
        "SUPABASE_SERVICE_ROLE_KEY": "",
    }
    folder = str(tmp_path / "copies")
    assert direct.run("backup", "--to", folder, **alone).code == 0
    direct.wreck()

    restored = direct.run(
        "restore", "latest", "--from", folder, "--confirm", direct.stack.database_place, **alone
    )

    assert restored.code == 0, restored.err
    assert direct.is_pristine()
