from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supakeep.databases.data_api.writer import MAX_REFUSED_ROWS
from supakeep.domain.manifest import Manifest
from supakeep.domain.restore import RestoredTable
from supakeep.errors import RestoreError
from tests.builders.backups import CUSTOMERS, ITEMS, ORDERS, a_shop, back_up, emptied, restore
from tests.builders.tables import a_table
from tests.fakes.database import ForeignKey, InMemoryDatabase
from tests.fakes.object_store import InMemoryObjectStore

COMMENTS = "public.comments"
TREE = a_table("comments", "parent_id", references=(COMMENTS,))
OWN_KEY = [ForeignKey("parent_id", COMMENTS, "id")]


def a_restored_shop_without_customers(*gone: int) -> tuple[InMemoryDatabase, list[RestoredTable]]:
    shop, store = a_shop(), InMemoryObjectStore()
    manifest = back_up(shop, store)
    target = emptied(shop)
    target.insert(CUSTOMERS, *shop.texts(CUSTOMERS))
    for customer in gone:
        target.delete(CUSTOMERS, id=customer)
    report = restore(target, store, manifest, "orders", "items")
    return target, list(report.tables)


@given(st.sets(st.integers(1, 5)))
def test_rows_that_the_database_refuses_are_the_only_ones_left_out(gone: set[int]) -> None:
    target, [orders, _] = a_restored_shop_without_customers(*gone)

    kept = [n for n in range(1, 6) if n not in gone]
    assert [int(row["id"]) for row in target.rows(ORDERS)] == kept
    assert [int(row["id"]) for row in target.rows(ITEMS)] == kept
    assert (orders.inserted, orders.refused) == (len(kept), len(gone))
    assert {row.row for row in orders.refused_rows} == {f'{{"id": "{n}"}}' for n in gone}
    assert all("is not in public.customers" in row.reason for row in orders.refused_rows)


def test_a_restore_that_left_rows_out_is_not_whole() -> None:
    shop, store = a_shop(), InMemoryObjectStore()
    manifest = back_up(shop, store)

    report = restore(emptied(shop), store, manifest, "orders")

    assert not report.is_whole
    assert report.tables[0].refused == 5
    assert report.tables[0].rows_in_database == 0


def test_a_restore_whose_rows_a_trigger_altered_is_not_whole() -> None:
    shop, store = a_shop(), InMemoryObjectStore()
    manifest = back_up(shop, store)
    target = emptied(shop)
    target.triggers[CUSTOMERS] = {"name": "set by a trigger"}

    report = restore(target, store, manifest, "customers")

    [customers] = report.tables
    assert not report.is_whole
    assert (customers.inserted, customers.refused, customers.altered) == (5, 0, 5)
    assert customers.altered_rows[0].columns["name"][1] == '"set by a trigger"'


def a_tree(*rows: tuple[int, int | None]) -> tuple[InMemoryDatabase, InMemoryObjectStore, Manifest]:
    """An empty table of comments, and a backup of one with these (id, parent) in it."""
    source, target, store = InMemoryDatabase(), InMemoryDatabase(), InMemoryObjectStore()
    source.add_table(TREE, [{"id": id_, "parent_id": parent} for id_, parent in rows])
    target.add_table(TREE, foreign_keys=OWN_KEY)
    return target, store, back_up(source, store)


def test_a_row_may_refer_to_a_later_one_of_its_own_table() -> None:
    target, store, manifest = a_tree((1, 2), (2, 3), (3, None))

    [table] = restore(target, store, manifest).tables

    assert len(target.rows(COMMENTS)) == 3
    assert (table.inserted, table.unchanged, table.refused) == (3, 0, 0)


def test_a_long_chain_over_many_batches_is_restored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("supakeep.usecases.chosen_rows.TREE_BATCH_ROWS", 3)
    chain = [(n, n + 1) for n in range(1, 30)]
    target, store, manifest = a_tree(*chain, (30, None))

    [table] = restore(target, store, manifest).tables

    assert len(target.rows(COMMENTS)) == 30
    assert (table.inserted, table.updated, table.unchanged, table.refused) == (30, 0, 0, 0)


@given(
    st.lists(st.integers(0, 12), min_size=12, max_size=12),
    st.integers(1, 5),
    st.sets(st.integers(1, 12)),
)
def test_any_tree_is_restored_but_for_the_rows_whose_ancestors_are_gone(
    parents: list[int], batch_rows: int, gone: set[int]
) -> None:
    rows = {n: parent or None for n, parent in enumerate(parents, start=1)}
    # a row whose line of ancestors ends in null
    rooted = {n for n in rows if _ends_in_null(rows, n)}
    kept = [(n, rows[n]) for n in sorted(rooted - gone)]
    target, store, manifest = a_tree(*kept)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("supakeep.usecases.chosen_rows.TREE_BATCH_ROWS", batch_rows)
        [table] = restore(target, store, manifest).tables

    present = dict(kept)
    restorable = {n for n in present if _ends_in_null(present, n)}
    assert {int(row["id"]) for row in target.rows(COMMENTS)} == restorable
    assert (table.inserted, table.refused) == (len(restorable), len(kept) - len(restorable))
    assert table.rows_in_backup == table.inserted + table.updated + table.unchanged + table.refused


def _ends_in_null(parents: dict[int, int | None], start: int) -> bool:
    seen = set()
    at: int | None = start
    while at is not None and at in parents and at not in seen:
        seen.add(at)
        at = parents[at]
    return at is None


def test_where_the_database_refuses_too_many_rows_the_restore_ends() -> None:
    many = MAX_REFUSED_ROWS + 5
    source, target, store = (
        InMemoryDatabase(portion_rows=500),
        InMemoryDatabase(),
        InMemoryObjectStore(piece_bytes=65536),
    )
    for database in (source, target):
        database.add_table(a_table("customers"))
    orders = a_table("orders", "customer_id", references=(CUSTOMERS,))
    source.add_table(orders, [{"id": n, "customer_id": n} for n in range(many)])
    target.add_table(orders, foreign_keys=[ForeignKey("customer_id", CUSTOMERS, "id")])
    manifest = back_up(source, store)

    with pytest.raises(RestoreError, match=r"public\.orders: the database refused 1,000 rows"):
        restore(target, store, manifest)


def test_only_the_first_refused_rows_are_listed_and_all_are_counted() -> None:
    source, target, store = InMemoryDatabase(), InMemoryDatabase(), InMemoryObjectStore()
    for database in (source, target):
        database.add_table(a_table("customers"))
    orders = a_table("orders", "customer_id", references=(CUSTOMERS,))
    source.add_table(orders, [{"id": n, "customer_id": n} for n in range(50)])
    target.add_table(orders, foreign_keys=[ForeignKey("customer_id", CUSTOMERS, "id")])

    report = restore(target, store, back_up(source, store))

    orders_report = report.tables[1]
    assert orders_report.refused == 50
    assert [row.row for row in orders_report.refused_rows] == [
        f'{{"id": "{n}"}}' for n in range(20)
    ]
