"""What every database does as a source: the port's contract over all adapters, the fake included."""

from __future__ import annotations

import datetime as dt

import pytest

from supakeep.domain.plan import Selection
from supakeep.domain.policy import TablePolicy
from supakeep.domain.project_object import ObjectKind
from supakeep.errors import DatabasePermissionError, ExportError
from tests.builders.tables import a_selection
from tests.contract.exporting import exported, ids, table
from tests.contract.workbench import Workbench
from tests.fakes.database import ForeignKey
from tests.fakes.time import NOON


def test_the_catalog_tells_columns_key_and_references(bench: Workbench) -> None:
    customers = bench.create(table(bench, "customers", "name text", "balance numeric(12,4)"))
    bench.create(
        table(bench, "orders", "customer_id", references=(customers.qualified_name,)),
        foreign_keys=[ForeignKey("customer_id", customers.qualified_name, "id")],
    )

    catalog = bench.database.catalog()

    assert catalog.server_version
    found = catalog.tables[customers.qualified_name]
    assert [(column.name, column.type) for column in found.columns] == [
        ("id", "bigint"),
        ("name", "text"),
        ("balance", "numeric(12,4)"),
    ]
    assert [column.nullable for column in found.columns] == [False, True, True]
    assert (found.primary_key, found.references) == (("id",), ())
    assert (found.readable, found.rows_hidden) == (True, False)
    orders = catalog.tables[f"{bench.schema}.orders"]
    assert orders.references == (customers.qualified_name,)


def test_every_row_is_exported_exactly_once(bench: Workbench) -> None:
    rows = [{"id": n, "name": f"row {n}"} for n in range(2500)]
    created = bench.create(table(bench, "t", "name text"), rows)

    found = exported(bench, a_selection(created))

    assert sorted(ids(found)) == list(range(2500))
    assert sorted(found, key=lambda row: int(row["id"]))[7] == {"id": 7, "name": "row 7"}


@pytest.mark.parametrize("columns", [["email text"], ["email text", "note text", "payload json"]])
@pytest.mark.parametrize("last_rows", [None, 2])
def test_an_excluded_column_does_not_leave_the_database(
    bench: Workbench, last_rows: int | None, columns: list[str]
) -> None:
    rows = [{"id": n, "email": "ada@example.com"} for n in range(2)]
    created = bench.create(table(bench, "people", *columns), rows)
    order = "id" if last_rows else None
    policy = TablePolicy(last_rows=last_rows, order_by=order, exclude_columns=("email",))

    found = exported(bench, Selection(created.without(policy.excluded), policy))

    assert len(found) == 2
    assert {name for row in found for name in row} == {*created.column_names} - {"email"}


@pytest.mark.parametrize("last_rows", [None, 7])
def test_all_rows_are_untouched_where_nobody_writes(
    bench: Workbench, last_rows: int | None
) -> None:
    created = bench.create(table(bench, "t"), [{"id": n} for n in range(25)])
    selection = a_selection(created, last_rows=last_rows, order_by="id" if last_rows else None)

    found = exported(bench, selection)

    assert bench.database.count_untouched(selection) >= len(found) == (last_rows or 25)


def test_a_small_table_is_read_at_once(bench: Workbench) -> None:
    selection = a_selection(bench.create(table(bench, "t"), [{"id": n} for n in range(5)]))

    exported(bench, selection)

    assert bench.database.read_at_once(selection)


def test_a_table_without_rows_exports_nothing(bench: Workbench) -> None:
    created = bench.create(table(bench, "t"))

    assert exported(bench, a_selection(created)) == []
    assert bench.database.count(a_selection(created)) == 0
    assert bench.database.count_table(created) == 0


def test_a_key_of_several_columns_is_paged_through(bench: Workbench) -> None:
    rows = [{"a": a, "b": f"b{b}", "c": None} for a in range(40) for b in range(60)]
    created = bench.create(table(bench, "t", "a", "b text", "c text", primary_key=("a", "b")), rows)

    found = exported(bench, a_selection(created))

    assert sorted((int(row["a"]), row["b"]) for row in found) == sorted(
        (a, f"b{b}") for a in range(40) for b in range(60)
    )


def test_the_last_rows_are_those_with_the_highest_values_and_keys(bench: Workbench) -> None:
    # one value for many rows, so that the limit cuts through a tie; and rows without any
    rows = [{"id": n, "rank": n // 10} for n in range(50)]
    unranked = [{"id": n, "rank": None} for n in range(100, 105)]
    created = bench.create(table(bench, "t", "rank"), [*rows, *unranked])

    def last(limit: int) -> list[int]:
        return ids(exported(bench, a_selection(created, last_rows=limit, order_by="rank")))

    assert sorted(last(14)) == [36, 37, 38, 39, *range(40, 50)]
    assert sorted(last(50)) == list(range(50))
    # those without a value come last of all
    assert sorted(last(52)) == [*range(50), 103, 104]
    assert sorted(last(1000)) == [*range(50), *range(100, 105)]


def test_the_last_rows_are_counted_whole(bench: Workbench) -> None:
    created = bench.create(table(bench, "t", "rank"), [{"id": n, "rank": n} for n in range(9)])

    assert bench.database.count(a_selection(created, last_rows=3, order_by="rank")) == 9


def test_the_last_days_are_those_from_the_moment_on(bench: Workbench) -> None:
    moments = {
        n: NOON - dt.timedelta(days=n, seconds=offset) for n, offset in enumerate([0, 5, 0, -1, 0])
    }
    rows: list[dict[str, object]] = [{"id": n, "at": at.isoformat()} for n, at in moments.items()]
    created = bench.create(table(bench, "t", "at timestamptz"), [*rows, {"id": 9, "at": None}])
    selection = a_selection(
        created, last_days=3, time_column="at", since=NOON - dt.timedelta(days=3)
    )

    assert sorted(ids(exported(bench, selection))) == [0, 1, 2, 3]
    assert bench.database.count(selection) == 4


def test_rows_that_left_a_window_of_days_are_counted_in_the_window_before(bench: Workbench) -> None:
    moments = [NOON - dt.timedelta(days=days) for days in (1, 9, 9, 9)]
    created = bench.create(
        table(bench, "t", "at timestamptz"),
        [{"id": n, "at": at.isoformat()} for n, at in enumerate(moments)],
    )

    def of_days(days: int) -> Selection:
        since = NOON - dt.timedelta(days=days)
        return a_selection(created, last_days=7, time_column="at", since=since)

    assert ids(exported(bench, of_days(7))) == [0]
    assert bench.database.count(of_days(7)) == 1
    assert bench.database.count(of_days(10)) == 4
    assert bench.database.count(a_selection(created)) == 4


def test_a_table_that_may_not_be_read_is_reported_in_the_catalog_and_named_with_the_grant(
    bench: Workbench,
) -> None:
    created = bench.create(table(bench, "secret"))
    bench.forbid(created, "select")

    assert not bench.database.catalog().tables[created.qualified_name].readable
    for attempt in (
        lambda: exported(bench, a_selection(created)),
        lambda: bench.database.count(a_selection(created)),
        lambda: bench.database.count_table(created),
    ):
        with pytest.raises(DatabasePermissionError) as denied:
            attempt()
        assert denied.value.message == f"Permission denied for table {created.qualified_name}"
        assert denied.value.hint is not None
        assert "GRANT SELECT" in denied.value.hint


def test_a_table_that_was_dropped_meanwhile_is_reported(bench: Workbench) -> None:
    created = bench.create(table(bench, "t"))
    bench.drop(created)

    with pytest.raises(ExportError, match=r"\.t does not exist"):
        exported(bench, a_selection(created))


def test_the_inventory_has_the_tables_by_schema_and_name(bench: Workbench) -> None:
    created = bench.create(table(bench, "t"))

    with bench.adapter.snapshot() as snapshot:
        tables = [one for one in snapshot.inventory() if one.kind is ObjectKind.TABLE]

    assert f"{bench.schema}.t" in [one.name for one in tables if not one.managed]
    assert created.schema_name in {one.schema for one in tables}
