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


def test_a_child_of_a_table_that_refers_to_itself_stands_after_it() -> None:
    assert parents_first({"z": ["z"], "a": ["z"]}) == ["z", "a"]


def test_what_refers_to_a_cycle_stands_after_it() -> None:
    order = parents_first({"a": ["y"], "x": ["y"], "y": ["x", "p"], "p": ["q"], "q": ["p"]})

    assert sorted(order[:2]) == ["p", "q"]
    assert sorted(order[2:4]) == ["x", "y"]
    assert order[4] == "a"


@given(graphs)
def test_no_table_stands_before_a_parent_that_does_not_refer_back_to_it(
    references: dict[str, set[str]],
) -> None:
    order = parents_first(references)

    for name, parents in references.items():
        for parent in parents & references.keys():
            if name not in reachable(parent, references):
                assert order.index(parent) < order.index(name)


def reachable(start: str, references: dict[str, set[str]]) -> set[str]:
    """The table itself and all that it refers to, directly or not."""
    found = {start}
    for _ in references:
        found |= {parent for name in found for parent in references.get(name, ())}
    return found


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

    assert columns_fingerprint(columns) not in {columns_fingerprint(other) for other in others}


def test_generated_columns_are_not_written() -> None:
    table = a_table("t", "a text")
    generated = Column(name="total", type="numeric", generated=True)
    table = table.model_copy(update={"columns": (*table.columns, generated)})

    assert table.column_names == ("id", "a", "total")
    assert table.writable_columns == ("id", "a")
