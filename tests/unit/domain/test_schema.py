from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from supakeep.domain.schema import Column, columns_fingerprint, parents_first
from tests.builders.tables import a_table

names = st.sampled_from("abcdefgh")
graphs = st.dictionaries(names, st.sets(names))


def test_parents_stand_before_their_children() -> None:
    order = parents_first({"items": ["orders"], "orders": ["customers"], "customers": []})

    assert order == ["customers", "orders", "items"]


def test_a_table_that_refers_to_itself_or_to_a_table_outside_waits_for_nobody() -> None:
    assert parents_first({"comments": ["comments", "auth.users"]}) == ["comments"]


def test_in_a_cycle_the_tables_follow_by_name_and_their_children_after_them() -> None:
    order = parents_first({"b": ["a"], "a": ["b"], "child": ["b"], "parent": []})

    assert order == ["parent", "a", "b", "child"]


@given(graphs)
def test_every_table_is_ordered_exactly_once(references: dict[str, set[str]]) -> None:
    assert sorted(parents_first(references)) == sorted(references)


@given(graphs)
def test_without_cycles_no_table_stands_before_a_parent(references: dict[str, set[str]]) -> None:
    # keeping references to earlier letters alone leaves no cycle
    acyclic = {name: {p for p in parents if p < name} for name, parents in references.items()}
    order = parents_first(acyclic)

    for name, parents in acyclic.items():
        for parent in parents & acyclic.keys():
            assert order.index(parent) < order.index(name)


def test_the_fingerprint_changes_with_a_columns_name_type_and_place() -> None:
    columns = a_table("t", "a text", "b numeric(12,4)").columns
    others = [
        a_table("t", "a text", "b numeric(12,2)").columns,
        a_table("t", "a text", "c numeric(12,4)").columns,
        a_table("t", "b numeric(12,4)", "a text").columns,
        a_table("t", "a text").columns,
    ]

    assert columns_fingerprint(columns) == columns_fingerprint(tuple(columns))
    assert columns_fingerprint(columns) not in {columns_fingerprint(other) for other in others}


def test_generated_columns_are_not_written() -> None:
    table = a_table("t", "a text")
    generated = Column(name="total", type="numeric", generated=True)
    table = table.model_copy(update={"columns": (*table.columns, generated)})

    assert table.column_names == ("id", "a", "total")
    assert table.writable_columns == ("id", "a")
