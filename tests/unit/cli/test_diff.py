from __future__ import annotations

from supakeep.usecases.list_backups import list_backups
from tests.builders.backups import CUSTOMERS, ITEMS
from tests.builders.manifests import PROJECT
from tests.fakes.database import InMemoryDatabase
from tests.fakes.object_store import InMemoryObjectStore
from tests.unit.cli.conftest import Supakeep


def test_a_diff_names_what_changed_in_the_database(
    supakeep: Supakeep, shop: InMemoryDatabase, backup_in_copies: str
) -> None:
    shop.delete(ITEMS, id=1)
    shop.insert(CUSTOMERS, {"id": 1, "name": "Ada", "balance": 0})

    ended = supakeep("diff", "latest", "--from", "copies")

    assert ended.code == 0, ended.err
    lines = ended.out.splitlines()
    assert lines[0] == f"From {backup_in_copies} to the database {PROJECT}"
    assert lines[1].split() == ["TABLE", "STATUS", "BEFORE", "AFTER", "ADDED", "REMOVED", "CHANGED"]
    assert [line.split() for line in lines[2:4]] == [
        ["public.customers", "changed", "5", "5", "0", "0", "1"],
        ["public.items", "changed", "5", "4", "0", "1", "0"],
    ]
    assert lines[4:] == ["Unchanged: public.orders"]


def test_nothing_that_changed_is_one_line(
    supakeep: Supakeep, shop: InMemoryDatabase, backup_in_copies: str
) -> None:
    ended = supakeep("diff", "latest", "--from", "copies")

    assert ended.out.splitlines()[1:] == [
        "Nothing changed: public.customers, public.items, public.orders"
    ]


def test_rows_are_shown_with_their_old_and_new_values(
    supakeep: Supakeep, shop: InMemoryDatabase, backup_in_copies: str
) -> None:
    shop.delete(ITEMS, id=1)
    shop.delete(ITEMS, id=2)
    shop.insert(CUSTOMERS, {"id": 1, "name": "Ada", "balance": 0})

    ended = supakeep("diff", "latest", "--from", "copies", "--rows", "--limit", "1")

    lines = ended.out.splitlines()
    assert "~ id=1" in lines
    assert '    name "customer 1" -> "Ada"' in lines
    assert "    balance 1.10000000000000000001 -> 0" in lines
    assert "- id=1" in lines
    assert "  … 1 more row differs; --limit 2 shows all" in lines


def test_the_fields_of_a_diff_between_two_backups(
    supakeep: Supakeep, shop: InMemoryDatabase
) -> None:
    first = supakeep("backup", "--to", "copies", "--json").json["name"]
    shop.insert(ITEMS, {"id": 9, "order_id": 1, "label": "new"})
    supakeep("backup", "--to", "copies", "--json")

    ended = supakeep("diff", first, "latest", "--from", "copies", "--json", "--rows")

    changed = next(table for table in ended.json["tables"] if table["status"] == "changed")
    assert ended.json["before"] == first
    assert ended.json["after_is_database"] is False
    assert ended.json["warnings"] == []
    assert ended.json["after"] != first
    assert changed == {
        "table": ITEMS,
        "status": "changed",
        "rows_before": 5,
        "rows_after": 6,
        "added": 1,
        "removed": 0,
        "changed": 0,
        "notes": [],
        "rows": [
            {
                "change": "added",
                "key": {"id": "9"},
                "columns": {"order_id": [None, "1"], "label": [None, '"new"']},
            }
        ],
    }


def test_a_table_that_cannot_be_read_makes_the_end_partial(
    supakeep: Supakeep, shop: InMemoryDatabase, primary: InMemoryObjectStore
) -> None:
    supakeep("backup")
    assert list_backups([primary], PROJECT).backups
    refused = shop.catalog().tables[CUSTOMERS].model_copy(update={"readable": False})
    shop.drop_table(CUSTOMERS)
    shop.add_table(refused)

    ended = supakeep("diff", "latest")

    assert ended.code == 3
    assert "! public.customers: Permission denied for table public.customers" in ended.out
