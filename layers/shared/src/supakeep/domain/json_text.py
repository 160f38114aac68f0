"""JSON as text: read a token of a row without turning any value into a Python number."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, NoReturn

from pydantic_core import from_json

SHOWN_CHARACTERS = 200


class _Number(str):
    """A number as its text, which keeps every digit: a column of type json may hold one that not even
    Decimal takes.
    """

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Number:
    """A number of JSON as its text: it has a fraction, an exponent, or very many digits."""

    text: str


# as many digits as a Python integer is read from at once, whatever it is
_MOST_DIGITS = 18


def parsed(text: str | bytes) -> Any:
    """The value of a JSON text, whose numbers are integers or a Number each, and never a float. Raises
    ValueError for what is no JSON, or nested too deeply.
    """
    try:
        return json.loads(text, parse_float=Number, parse_int=_integer, parse_constant=_refused)
    except RecursionError as exc:
        raise ValueError("it is nested too deeply") from exc


def text_of(value: object) -> str:
    """The compact JSON text of a value that `parsed` gave, each number as it was written. Raises
    ValueError for what is nested too deeply.
    """
    try:
        return _text_of(value)
    except RecursionError as exc:
        raise ValueError("it is nested too deeply") from exc


def _text_of(value: object) -> str:
    if isinstance(value, Number):
        return value.text
    if isinstance(value, Mapping):
        members = [f"{json.dumps(name)}:{_text_of(member)}" for name, member in value.items()]
        return f"{{{','.join(members)}}}"
    if isinstance(value, list):
        return f"[{','.join([_text_of(item) for item in value])}]"
    return json.dumps(value)


def _integer(text: str) -> int | Number:
    return Number(text) if len(text) > _MOST_DIGITS or text == "-0" else int(text)


def _refused(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")


_DECODER = json.JSONDecoder(parse_float=_Number, parse_int=_Number)


class UnnamedMember(NamedTuple):
    """The columns that a row's member `""` lists: of which `null` is JSON's and not SQL's, and of
    which the value is given as its text (docs/format.md).
    """

    null: frozenset[str]
    text: frozenset[str]


def unnamed_member(token: str | None) -> UnnamedMember:
    """Reads the member, in the form of format 1.0 (a list) or of 1.1; None where a row has none."""
    value = json.loads(token) if token else []
    lists = value if isinstance(value, dict) else {"null": value}
    return UnnamedMember(frozenset(lists.get("null", ())), frozenset(lists.get("text", ())))


def is_json_object(row: bytes) -> bool:
    """Whether the bytes are one JSON object, whatever the size of its numbers."""
    try:
        # three times as fast, and stricter: what it refuses, Python's decoder may still read
        return isinstance(from_json(row, allow_inf_nan=False, cache_strings="none"), dict)
    except ValueError:
        return _is_object_to_python(row)


def _is_object_to_python(row: bytes) -> bool:
    try:
        return isinstance(_DECODER.decode(row.decode()), dict)
    except ValueError:
        return False
    except RecursionError:
        # deeper than Python reads, and Postgres does write it
        return row.startswith(b"{")


def key_of(row: bytes, columns: tuple[str, ...]) -> str:
    """The row's key columns as compact JSON, to show to a person."""
    fields = _DECODER.decode(row.decode())
    return json.dumps({c: _printable(fields.get(c)) for c in columns}, ensure_ascii=False)


def shortened(text: str, characters: int = SHOWN_CHARACTERS) -> str:
    """A text that a person can read: a long one is cut, and its full length is added."""
    if len(text) <= characters:
        return text
    return f"{text[:characters]}… ({len(text):,} characters)"


def _printable(value: object) -> object:
    return shortened(value) if type(value) is str else value
