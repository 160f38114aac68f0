"""Rows of a document become COPY's text, value for value, or are left to INSERT."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supakeep.databases.postgres.restore.row_layout import RowLayout
from supakeep.domain.schema import Column, Table

Value = str | None

COLUMNS = {"id": "bigint", "note": "text", "data": "jsonb", "n,": "numeric", "last": "text"}
TABLE = Table(
    schema_name="public",
    name="t",
    columns=tuple(Column(name=n, type=t, nullable=n != "id") for n, t in COLUMNS.items()),
    primary_key=("id",),
    jsonb_columns=("data",),
)
LAYOUT = RowLayout(TABLE, TABLE, ["id"])

# what stands between values, ends them, or looks like it
TRAPS = st.sampled_from(
    [
        '","last":"',
        ',"data":',
        "}\n{",
        "\\N",
        "\\.",
        "\\u0041",
        "\\",
        '"',
        "null",
        "\t",
        "\r",
        ",\n",
    ]
)
TEXTS = st.none() | st.lists(TRAPS | st.text(st.characters(codec="utf-8", exclude_characters="\0")))
ROWS = st.tuples(
    TEXTS, TEXTS, TEXTS, st.sampled_from([None, "-0.50", "1e400", "12345678901234567890"])
)


def line(number: int, note: Value, data: Value, amount: Value, last: Value) -> bytes:
    """A row as PostgreSQL prints it: jsonb with blanks, and short escapes."""
    members = {
        "id": str(number),
        "note": quoted(note),
        "data": "null" if data is None else json.dumps({"k": data, "last": 1}, ensure_ascii=False),
        "n,": amount or "null",
        "last": quoted(last),
    }
    return ("{" + ",".join(f"{json.dumps(n)}:{v}" for n, v in members.items()) + "}").encode()


def quoted(text: Value) -> str:
    return "null" if text is None else json.dumps(text, ensure_ascii=False)


def copied(text: bytes) -> list[list[Value]]:
    """What PostgreSQL reads from COPY's text, after its manual."""
    assert text.endswith(b"\n")
    lines = text.decode()[:-1].split("\n")
    return [[unescaped(value) for value in one.split("\t")] for one in lines]


def unescaped(value: str) -> Value:
    short = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
    if value == r"\N":
        return None
    assert not re.search(r"(?<!\\)(?:\\\\)*\\[0-7xN.]", value)
    return re.sub(r"\\(.)", lambda found: short.get(found[1], found[1]), value, flags=re.DOTALL)


def joined(pieces: Sequence[str] | None) -> Value:
    return None if pieces is None else "".join(pieces)


@given(st.lists(ROWS, min_size=1, max_size=6))
def test_every_value_is_read_as_it_was(
    rows: list[tuple[list[str] | None, list[str] | None, list[str] | None, Value]],
) -> None:
    values = [(joined(a), joined(b), joined(c), amount) for a, b, c, amount in rows]
    lines = [line(n, a, b, amount, c) for n, (a, b, c, amount) in enumerate(values)]

    found = LAYOUT.read(lines)

    assert found is not None
    assert found.numbers == {"id": list(range(len(rows)))}
    for n, (row, (a, b, c, amount)) in enumerate(zip(copied(found.text), values, strict=True)):
        assert row[0] == str(n)
        assert (row[1], row[3], row[4]) == (a, amount, c)
        assert (row[2] and json.loads(row[2])) == (None if b is None else {"k": b, "last": 1})


GOOD = b'{"id":1,"note":"a","data":{"k": 1},"n,":1.5,"last":null}'


@pytest.mark.parametrize(
    "row",
    [
        pytest.param(GOOD.replace(b'"note":"a",', b""), id="a column less"),
        pytest.param(GOOD.replace(b'"note"', b'"extra":"x","note"'), id="a column more"),
        pytest.param(GOOD.replace(b'"note":"a"', b'"note":"a","extra":"x"'), id="one more, later"),
        pytest.param(
            GOOD.replace(b'"note":"a"', rb'"note":"\n","extra":"x"'), id="one more, with an escape"
        ),
        pytest.param(
            GOOD.replace(b'"note":"a"', rb'"note":"\u0001","e":"x"'), id="one more, with a \\u"
        ),
        pytest.param(b'{"note":"a","id":1,"data":1,"n,":1,"last":null}', id="another order"),
        pytest.param(GOOD.replace(b'"id":', b'"id": '), id="blanks"),
        pytest.param(GOOD.replace(b'"a"', b'["a"]'), id="an array"),
        pytest.param(GOOD.replace(b'"a"', b'{"a":"b"}'), id="an object"),
        pytest.param(GOOD.replace(b"1.5", b'"NaN"'), id="a quoted number beside a bare one"),
        pytest.param(GOOD.replace(b'"a"', rb'"\u0000"'), id="what text cannot hold"),
        pytest.param(GOOD.replace(b'"a"', rb'"\ud800"'), id="half a character"),
        pytest.param(GOOD.replace(b'"a"', rb'"\x41"'), id="an escape of COPY's own"),
        pytest.param(GOOD.replace(b'"a"', b'"a\tb"'), id="a bare tab"),
        pytest.param(GOOD.replace(b"null}", b'null,"":{"null":["data"]}}'), id="JSON's null"),
        pytest.param(GOOD.replace(b'"id":1', b'"id":1.0'), id="a sequence's value with a point"),
    ],
)
def test_what_stands_otherwise_is_left_to_insert(row: bytes) -> None:
    assert row != GOOD
    assert LAYOUT.read([GOOD, GOOD]) is not None
    assert LAYOUT.read([GOOD, row]) is None
    assert LAYOUT.read([row, GOOD]) is None


def test_a_column_of_all_quoted_numbers_and_one_of_booleans_are_read() -> None:
    table = TABLE.model_copy(
        update={
            "columns": (Column(name="a", type="numeric"), Column(name="b", type="boolean")),
            "jsonb_columns": (),
        }
    )

    found = RowLayout(table, table).read([b'{"a":"NaN","b":true}', b'{"a":"Infinity","b":null}'])

    assert found is not None
    assert found.text == b"NaN\ttrue\nInfinity\t\\N\n"


def test_generated_and_dropped_columns_are_left_out() -> None:
    columns = list(TABLE.columns)
    columns[3] = columns[3].model_copy(update={"generated": True})
    live = TABLE.model_copy(update={"columns": (*columns[:1], *columns[2:])})
    layout = RowLayout(live, TABLE)

    found = layout.read([b'{"id":7,"data":null,"n,":1,"last":"x"}'])

    assert layout.columns == ["id", "data", "last"]
    assert found is not None
    assert found.text == b"7\t\\N\tx\n"


def test_the_null_of_a_column_that_had_no_other_is_jsons() -> None:
    columns = tuple(c.model_copy(update={"nullable": False}) for c in TABLE.columns)
    backed_up = TABLE.model_copy(update={"columns": columns})

    found = RowLayout(TABLE, backed_up).read([GOOD.replace(b'{"k": 1}', b"null")])

    assert found is not None
    assert found.text == b"1\ta\tnull\t1.5\t\\N\n"


@pytest.mark.parametrize(
    ("was", "now"), [("jsonb", {"json_columns": ("data",), "jsonb_columns": ()}), ("json", {})]
)
def test_json_without_blanks_could_hold_what_looks_like_a_column(
    was: str, now: dict[str, tuple[str, ...]]
) -> None:
    columns = [c.model_copy(update={"type": was}) if c.name == "data" else c for c in TABLE.columns]
    backed_up = TABLE.model_copy(update={"columns": tuple(columns)})

    assert LAYOUT.provable
    assert not RowLayout(TABLE.model_copy(update=now), backed_up).provable
