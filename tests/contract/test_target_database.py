"""What every database does as a target: the port's contract over all adapters, the fake included."""

from __future__ import annotations

from typing import Any

import pytest

from supakeep.domain.schema import Column
from supakeep.errors import ConstraintViolationError, DatabasePermissionError
from supakeep.ports import AtomicTransaction
from tests.contract.exporting import table, upserted
from tests.contract.workbench import Workbench
from tests.fakes.database import ForeignKey


def test_an_upsert_inserts_overwrites_and_leaves_what_is_the_same(bench: Workbench) -> None:
    before = [{"id": n, "name": f"row {n}"} for n in range(3)]
    created = bench.create(table(bench, "t", "name text"), before)

    counts = upserted(
        bench,
        created,
        {"id": 1, "name": "row 1"},
        {"id": 2, "name": None},
        {"id": 3, "name": "new"},
    )

    assert counts == (1, 1, 1)
    assert bench.rows(created) == [
        {"id": 0, "name": "row 0"},
        {"id": 1, "name": "row 1"},
        {"id": 2, "name": None},
        {"id": 3, "name": "new"},
    ]
    assert bench.database.count_table(created) == 4


def test_an_upsert_overwrites_only_the_named_columns(bench: Workbench) -> None:
    created = bench.create(
        table(bench, "t", "name text", "email text"), [{"id": 1, "name": "a", "email": "kept"}]
    )

    row = b'{"id":1,"name":"b","email":"lost"}'
    counts = bench.database.upsert(created, ["id", "name"], [row], dry_run=False)

    assert counts.updated == 1
    assert bench.rows(created) == [{"id": 1, "name": "b", "email": "kept"}]


def test_a_table_that_is_all_key_can_be_upserted(bench: Workbench) -> None:
    created = bench.create(
        table(bench, "t", "a", "b text", primary_key=("a", "b")), [{"a": 1, "b": "x"}]
    )

    assert upserted(bench, created, {"a": 1, "b": "x"}, {"a": 1, "b": "y"}) == (1, 0, 1)
    assert len(bench.rows(created)) == 2


def test_a_dry_run_counts_the_same_and_writes_nothing(bench: Workbench) -> None:
    created = bench.create(
        table(bench, "t", "name text"), [{"id": n, "name": "x"} for n in range(3)]
    )
    rows = [{"id": 1, "name": "x"}, {"id": 2, "name": "other"}, {"id": 3, "name": "new"}]

    assert upserted(bench, created, *rows, dry_run=True) == (1, 1, 1)
    assert bench.rows(created) == [{"id": n, "name": "x"} for n in range(3)]
    assert upserted(bench, created, *rows) == (1, 1, 1)


def test_a_batch_is_written_whole_or_not_at_all(bench: Workbench) -> None:
    parents = bench.create(table(bench, "parents"), [{"id": 1}])
    children = bench.create(
        table(bench, "children", "parent_id", references=(parents.qualified_name,)),
        [{"id": 5, "parent_id": None}],
        [ForeignKey("parent_id", parents.qualified_name, "id")],
    )

    with pytest.raises(ConstraintViolationError) as refused:
        upserted(
            bench,
            children,
            {"id": 5, "parent_id": 1},
            {"id": 6, "parent_id": 1},
            {"id": 7, "parent_id": 2},
        )

    assert refused.value.key == children.qualified_name
    assert bench.rows(children) == [{"id": 5, "parent_id": None}]


def test_rows_of_one_batch_may_refer_to_each_other_in_any_order(bench: Workbench) -> None:
    name = f"{bench.schema}.tree"
    tree = bench.create(
        table(bench, "tree", "parent_id", references=(name,)),
        foreign_keys=[ForeignKey("parent_id", name, "id")],
    )

    counts = upserted(
        bench,
        tree,
        {"id": 1, "parent_id": 2},
        {"id": 2, "parent_id": 3},
        {"id": 3, "parent_id": None},
    )

    assert counts == (3, 0, 0)
    assert bench.database.catalog().tables[name].references == (name,)


def test_a_value_that_must_be_there_and_is_not_is_a_violation(bench: Workbench) -> None:
    name = Column(name="name", type="text", nullable=False)
    described = table(bench, "t").model_copy(
        update={"columns": (Column(name="id", type="bigint", nullable=False), name)}
    )
    created = bench.create(described)

    with pytest.raises(ConstraintViolationError, match="name"):
        upserted(bench, created, {"id": 1, "name": None})

    assert bench.rows(created) == []


@pytest.mark.parametrize("identity", ["always", "by default"])
def test_sequences_are_moved_past_the_highest_value_and_never_back(
    bench: Workbench, identity: Any
) -> None:
    described = table(bench, "log").model_copy(
        update={"columns": (Column(name="id", type="bigint", nullable=False, identity=identity),)}
    )
    created = bench.create(described)
    assert created.columns[0].identity == identity
    assert list(bench.database.advance_sequences(created)) == []
    upserted(bench, created, {"id": 41}, {"id": 7})

    moved = bench.database.advance_sequences(created)

    assert len(moved) == 1
    assert "log_id_seq" in moved[0]
    assert list(bench.database.advance_sequences(created)) == []


def test_a_table_without_sequences_has_none_to_move(bench: Workbench) -> None:
    created = bench.create(table(bench, "t"), [{"id": 5}])

    assert list(bench.database.advance_sequences(created)) == []


def test_a_table_that_may_not_be_written_is_named_with_the_grant(bench: Workbench) -> None:
    created = bench.create(table(bench, "t"))
    bench.forbid(created, "insert")

    with pytest.raises(DatabasePermissionError) as denied:
        upserted(bench, created, {"id": 1})

    assert denied.value.hint is not None
    assert "GRANT SELECT, INSERT, UPDATE" in denied.value.hint


def test_a_transaction_locks_and_checks_where_its_engine_is_atomic(bench: Workbench) -> None:
    with bench.adapter.transaction(dry_run=True) as transaction:
        assert isinstance(transaction, AtomicTransaction) == bench.adapter.engine.atomic
