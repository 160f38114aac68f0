from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supakeep.domain.json_text import Number, is_json_object, key_of, parsed, text_of

HUGE = "9" * 400 + "." + "1234567890" * 10


@pytest.mark.parametrize(
    "number", ["9007199254740993", "1.10", "-0", "1E+400", "0.1", HUGE, "9" * 5000]
)
def test_a_key_keeps_every_digit(number: str) -> None:
    shown = json.loads(key_of(b'{"id":%s,"other":1}' % number.encode(), ("id",)))

    assert Decimal(shown["id"]) == Decimal(number)
    if "E" not in number:
        assert shown["id"] == number


def test_a_key_shows_only_its_columns_and_letters_as_they_are() -> None:
    row = '{"a":"é","b":null,"c":true,"secret":"x"}'.encode()

    assert key_of(row, ("a", "b", "c")) == '{"a": "é", "b": null, "c": true}'


@pytest.mark.parametrize(
    "row",
    [
        b"{}",
        b'{"a":1}',
        b'{"a":%s}' % HUGE.encode(),
        b'{"a":%s}' % (b"9" * 5000),
        # what a column of type json holds, and no Decimal
        b'{"a":{"b":-1e99999999999999999999}}',
        b'{"a":' + b"[" * 3000 + b"]" * 3000 + b"}",
    ],
)
def test_an_object_is_an_object_whatever_the_size_of_its_numbers(row: bytes) -> None:
    assert is_json_object(row)


@pytest.mark.parametrize(
    "row", [b"", b"[]", b"1", b"null", b'"{}"', b"{", b"{}{}", b'{"a":}', b'{"a":\xff}']
)
def test_anything_else_is_none(row: bytes) -> None:
    assert not is_json_object(row)


@given(st.dictionaries(st.text(), st.decimals(allow_nan=False, allow_infinity=False)))
def test_every_number_of_a_row_reads_back_exactly(numbers: dict[str, Decimal]) -> None:
    fields = ",".join(f"{json.dumps(name)}:{number:f}" for name, number in numbers.items())
    row = f"{{{fields}}}".encode()

    shown = json.loads(key_of(row, tuple(numbers)))
    assert {name: Decimal(text) for name, text in shown.items()} == numbers


@pytest.mark.parametrize(
    "number",
    [
        "0",
        "-0",
        "1.10",
        "1e400",
        "-1E-7",
        "9007199254740993",
        HUGE,
        "9" * 5000,
        "1e99999999999999999",
    ],
)
def test_a_number_is_written_with_the_text_that_it_was_read_with(number: str) -> None:
    text = f'{{"a":[{number},{{"b":{number}}}]}}'

    assert text_of(parsed(text)) == text


@pytest.mark.parametrize(("text", "value"), [("17", 17), ("1.5", Number("1.5")), ("-3", -3)])
def test_a_value_that_is_read_is_never_a_float(text: str, value: object) -> None:
    assert parsed(text) == value


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_what_is_written_is_the_value_that_was_read(value: object) -> None:
    assert json.loads(text_of(parsed(json.dumps(value)))) == value


@pytest.mark.parametrize(
    "text",
    ["", "{", "NaN", '{"a":Infinity}', "[" * 100_000],
    ids=["empty", "open", "no number", "infinite", "deep"],
)
def test_what_is_no_json_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"Expecting|is no JSON|nested too deeply"):
        parsed(text)


def test_what_python_cannot_write_is_refused() -> None:
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]

    with pytest.raises(ValueError, match="nested too deeply"):
        text_of(deep)
