from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supakeep.domain.row_changes import RowChanges, are_equal, tokens_of, without_members

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@pytest.mark.parametrize(
    ("row", "left"),
    [
        ('{"a":1,"b":2.10,"c":"x"}', '{"b":2.10}'),
        ('{"b":{"a":1,"c":[2]},"c":{"b":"}"}}', '{"b":{"a":1,"c":[2]}}'),
        ('{"a":1,"c":null}', "{}"),
        ('{"b":1e5, "a":[1,  2]}', '{"b":1e5}'),
        ("{}", "{}"),
    ],
)
def test_a_row_without_some_columns_keeps_the_others_as_they_are(row: str, left: str) -> None:
    assert without_members(row.encode(), {"a", "c"}).decode() == left


@pytest.mark.parametrize(
    ("listed", "left"),
    [
        ('["a","b\\"x"]', ',"":["b\\"x"]'),
        ('["b\\"x"]', ',"":["b\\"x"]'),
        ('["a"]', ""),
        ('["a","c"]', ""),
        ('{"null":["a"],"text":["b","c"]}', ',"":{"text":["b"]}'),
        ('{"null":["b"],"text":["a"]}', ',"":{"null":["b"]}'),
        ('{"text":["a"]}', ""),
    ],
)
def test_columns_that_are_left_out_are_none_whose_null_is_jsons(listed: str, left: str) -> None:
    row = f'{{"a":null,"b":1,"":{listed}}}'

    assert without_members(row.encode(), {"a", "c"}).decode() == f'{{"b":1{left}}}'


@given(st.dictionaries(st.text(min_size=1), VALUES), st.sets(st.text(min_size=1)), st.data())
def test_whatever_a_row_holds_the_named_columns_go_and_no_others(
    row: dict[str, object], others: set[str], data: st.DataObject
) -> None:
    names = others | data.draw(st.sets(st.sampled_from(sorted(row))) if row else st.just(set()))
    text = json.dumps(row, separators=(",", ":")).encode()
    kept = {name: value for name, value in row.items() if name not in names}

    assert without_members(text, names) == json.dumps(kept, separators=(",", ":")).encode()


def test_tokens_are_read_until_all_that_are_wanted_are_there() -> None:
    assert tokens_of(b'{"a":1,"b":2,"c":3}', ("b",)) == {"a": "1", "b": "2"}
    assert tokens_of(b'{"a":1,"b":2,"c":3}', ("b", "gone")) == {"a": "1", "b": "2", "c": "3"}


def test_a_sample_of_a_long_value_is_cut_and_says_how_long_it_is() -> None:
    changes = RowChanges()
    long, key = "x" * 1_000_000, "k" * 5_000

    changes.sample_updated(
        ["id"],
        b'{"id":"%s","a":1}' % key.encode(),
        b'{"id":"%s","a":"%s"}' % (key.encode(), long.encode()),
    )

    [sample] = changes.updated_rows
    assert sample.columns["a"][0] == "1"
    assert sample.columns["a"][1] == '"' + "x" * 199 + "… (1,000,002 characters)"
    assert sample.key["id"].endswith("… (5,002 characters)")


def test_five_rows_of_each_kind_are_kept_to_show() -> None:
    changes = RowChanges()
    for n in range(9):
        row = b'{"id":%d,"a":1.10,"twice":2,"":{"null":["a"]}}' % n
        changes.sample_inserted(["id"], row, ["id", "a"])
        changes.sample_deleted(["id"], row, ["id", "a", "twice"])

    assert [row.key for row in changes.inserted_rows] == [{"id": str(n)} for n in range(5)]
    assert changes.inserted_rows[0].columns == {"a": "1.10"}
    assert [row.columns for row in changes.deleted_rows] == 5 * [{"a": "1.10", "twice": "2"}]


@pytest.mark.parametrize(
    ("row", "other", "equal"),
    [
        (b'{"a":null,"":["a"]}', b'{"a":null,"":{"null":["a"]}}', True),
        (b'{"a":null,"":["a"]}', b'{"a":null}', False),
        (b'{"a":"1","":{"text":["a"]}}', b'{"a":"1"}', False),
        (b'{"a":1}', b'{"a":1.0}', False),
        (b'{"a":1,"b":null,"":["b"]}', b'{"a":2,"b":null,"":{"null":["b"]}}', False),
    ],
)
def test_rows_are_equal_whatever_form_their_unnamed_member_has(
    row: bytes, other: bytes, equal: bool
) -> None:
    assert are_equal(row, other) is equal
