from __future__ import annotations

import itertools
import json
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supakeep.archive import layout as document
from supakeep.errors import ChecksumError
from tests.builders.tables import a_selection, a_table
from tests.fakes.object_store import pieces_of
from tests.fakes.time import NOON

HEAD = document.document_head(
    backup="backup_abc_2026-11-22", project="abc", created_at=NOON, source={"engine": "rest"}
)
# what row_to_json makes: an object on one line
rows = st.dictionaries(
    st.text(max_size=5), st.text(max_size=20) | st.integers() | st.none(), max_size=4
).map(lambda fields: json.dumps(fields, ensure_ascii=False).encode())


def test_the_layout_is_the_documented_one() -> None:
    selection = a_selection(a_table("credits", "balance numeric"), last_rows=5, order_by="id")
    table = document.table_head(selection) + b'\n{"id":1}\n' + document.table_foot()

    assert HEAD == (
        b'{"format":"supakeep/1.1","backup":"backup_abc_2026-11-22","project":"abc",'
        b'"created_at":"2026-11-22T12:00:00Z","source":{"engine":"rest"},\n'
        b'"tables":{\n'
    )
    lines = table.split(b"\n")
    assert lines[0].startswith(b'"public.credits":{"columns":[{"name":"id","type":"bigint"')
    assert lines[0].endswith(
        b'"primary_key":["id"],"policy":{"last_rows":5,"order_by":"id"},"rows":['
    )
    assert lines[1:] == [b'{"id":1}', b"]}"]
    assert document.DOCUMENT_FOOT == b"\n}\n}\n"


def test_a_table_that_failed_says_so_in_the_document() -> None:
    assert document.table_foot(error='no "answer"') == b'],"incomplete":"no \\"answer\\""}'


@given(st.text(min_size=1), st.text(min_size=1))
def test_any_name_of_table_and_column_makes_a_valid_table(name: str, column: str) -> None:
    table = a_table(name).model_copy(
        update={"columns": (a_table("t", "x text").columns[1].model_copy(update={"name": column}),)}
    )
    text = document.table_head(a_selection(table)) + document.table_foot()

    [(qualified, fields)] = json.loads(b"{" + text + b"}").items()
    assert qualified == f"public.{name}"
    assert fields["columns"][0]["name"] == column
    assert b"\n" not in text


@given(st.lists(rows), st.integers(1, 40))
def test_rows_are_split_the_same_however_their_bytes_arrive(lines: list[bytes], size: int) -> None:
    part = document.ROW_SEPARATOR.join(lines)

    assert [*chain.from_iterable(document.split_rows(pieces_of(part, size)))] == lines


@given(st.lists(rows, min_size=1), st.data())
def test_rows_are_split_at_arbitrary_places(lines: list[bytes], data: st.DataObject) -> None:
    part = document.ROW_SEPARATOR.join(lines)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(part)))))
    edges = [0, *cuts, len(part)]
    pieces = [part[start:end] for start, end in itertools.pairwise(edges)]

    assert [*chain.from_iterable(document.split_rows(pieces))] == lines


@pytest.mark.parametrize("part", [b'{"id":1}\n{"id":2}', b"\n", b",\n", b'{\n"id":1}'])
def test_rows_that_are_not_one_a_line_are_refused(part: bytes) -> None:
    with pytest.raises(ChecksumError, match="not laid out one a line"):
        list(document.split_rows([part]))


def test_a_row_of_many_pieces_is_put_together_once() -> None:
    row = b'{"id":"' + b"x" * 200_000 + b'"}'
    part = document.ROW_SEPARATOR.join([row, b"{}", row])

    assert [*chain.from_iterable(document.split_rows(pieces_of(part, 7)))] == [row, b"{}", row]
