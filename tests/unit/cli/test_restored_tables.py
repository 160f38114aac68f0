"""Which tables of a backup a restore takes: those of the policy, or those that are named."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.builders.backups import CUSTOMERS, ITEMS, ORDERS, a_shop
from tests.builders.manifests import PROJECT
from tests.builders.tables import a_table
from tests.fakes.database import EVERY_MODE, InMemoryDatabase
from tests.unit.cli.conftest import Supakeep, Surroundings

USERS = "crm.users"
EVERYTHING = '[backup]\ntables = "*"\nschemas = ["public", "crm"]\n'
CONFIRMED = ("--confirm", PROJECT)


@pytest.fixture
def shop(around: Surroundings) -> InMemoryDatabase:
    """The shop, with a schema that its policy does not name."""
    database = a_shop(InMemoryDatabase(engine=EVERY_MODE))
    database.add_table(a_table("users", "email text", schema="crm"), [{"id": 1, "email": "mine"}])
    around.adapters["database"] = database
    return database


@pytest.fixture
def planted(supakeep: Supakeep, shop: InMemoryDatabase, primary: object) -> str:
    """A backup with a user of somebody else's choice; the database has another one now."""
    policy = Path("supakeep.toml").read_text()
    Path("supakeep.toml").write_text(EVERYTHING)
    shop.insert(USERS, {"id": 1, "email": "theirs"})
    name: str = supakeep("backup", "--json").json["name"]
    shop.insert(USERS, {"id": 1, "email": "mine"})
    shop.delete(ITEMS, id=1)
    Path("supakeep.toml").write_text(policy)
    return name


@pytest.mark.parametrize("options", [(), ("--mode", "replace"), ("--dry-run",)])
def test_a_table_outside_the_policy_is_left_out_and_named(
    supakeep: Supakeep, shop: InMemoryDatabase, planted: str, options: tuple[str, ...]
) -> None:
    ended = supakeep("restore", planted, *CONFIRMED, *options)

    assert ended.code == 3
    assert (
        "! crm.users is in the backup, but not in the policy (supakeep.toml), and was left out. To "
        "restore it, give its name (--table, tables)"
    ) in ended.out
    assert shop.rows(USERS) == [{"id": 1, "email": "mine"}]
    assert len(shop.rows(ITEMS)) == (4 if "--dry-run" in options else 5)


def test_the_report_lists_it_for_a_program(supakeep: Supakeep, planted: str) -> None:
    report = supakeep("restore", planted, *CONFIRMED, "--json").json

    assert report["left_out"] == [USERS]
    assert [table["name"] for table in report["tables"]] == [CUSTOMERS, ORDERS, ITEMS]


def test_it_is_restored_where_it_is_named(
    supakeep: Supakeep, shop: InMemoryDatabase, planted: str
) -> None:
    ended = supakeep("restore", planted, *CONFIRMED, "--table", USERS)

    assert ended.code == 0
    assert shop.rows(USERS) == [{"id": 1, "email": "theirs"}]


def test_the_undo_of_a_restore_that_named_it_brings_it_back(
    supakeep: Supakeep, shop: InMemoryDatabase, planted: str
) -> None:
    supakeep("restore", planted, *CONFIRMED, "--table", USERS)

    ended = supakeep("undo", "--last", *CONFIRMED)

    assert ended.code == 0
    assert shop.rows(USERS) == [{"id": 1, "email": "mine"}]


def test_without_a_policy_file_the_tables_of_public_come_back(
    supakeep: Supakeep, shop: InMemoryDatabase, planted: str
) -> None:
    Path("supakeep.toml").unlink()

    ended = supakeep("restore", planted, *CONFIRMED)

    assert ended.code == 3
    assert len(shop.rows(ITEMS)) == 5
    assert shop.rows(USERS) == [{"id": 1, "email": "mine"}]


def test_a_policy_without_any_of_its_tables_is_refused_with_their_names(
    supakeep: Supakeep, shop: InMemoryDatabase, planted: str
) -> None:
    Path("supakeep.toml").write_text('[[table]]\nname = "invoices"\n')
    before = shop.everything()

    ended = supakeep("restore", planted, *CONFIRMED)

    assert ended.code == 1
    assert f"error: The policy names no table of {planted}, so none is restored" in ended.err
    assert "It has: crm.users, public.customers, public.items, public.orders." in ended.err
    assert shop.everything() == before
