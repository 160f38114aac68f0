r"""Rows of a document as COPY reads them.

PostgreSQL takes values as text with less work than it finds them in JSON. The text of most
values stands in a row as it is: a string of JSON has no escape but `\u` that COPY does not read alike.
So lines whose layout is proven are taken apart here, column by column, and no value is parsed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from supakeep.domain.row_changes import UNNAMED
from supakeep.domain.schema import Table, writable_columns

Values = Sequence[bytes]

# Rows whose values stay in the processor's cache; and Python's lock is held no longer than it takes
# to find them, since the thread that feeds the database needs it too.
_AT_ONCE = 500
_NULL = b"null"
_COPY_NULL = rb"\N"
_CONTROLS = bytes(byte for byte in range(0x20) if byte != 0x0A)
_SEPARATOR = b"\t"
_BARE = b"0123456789+-.eE\t"
_BOOLEANS = frozenset((b"true", b"false"))
# a string without `\u`, and what it holds
_STRING = re.compile(rb'"([^"\\\t]*(?:\\["\\/bfnrt][^"\\\t]*)*)"(?:\t|\Z)')
_ESCAPED = {ord("\\"): r"\\", ord("\n"): r"\n", ord("\r"): r"\r", ord("\t"): r"\t"}


class CopiedRows(NamedTuple):
    """Rows as COPY's text, and the numbers in those of their columns that were asked for."""

    text: bytes
    numbers: Mapping[str, list[int]]


class RowLayout:
    """The rows of `backed_up` for `table`, as Supakeep's own documents have them: the columns both
    have, in the backup's order.

    `columns` are those that are written, in the order of COPY's text. `numbered` are of these. It is
    `provable` unless a value may hold what looks like the next member: the text of jsonb has a blank
    behind each colon, that of json need not.
    """

    def __init__(self, table: Table, backed_up: Table, numbered: Sequence[str] = ()) -> None:
        names = [name for name in backed_up.column_names if name in table.column_names]
        written = set(writable_columns(table, backed_up))
        self.columns = [name for name in names if name in written]
        self._numbered = numbered
        types = {column.name: column.type for column in backed_up.columns}
        retyped = {c.name for c in table.columns if types.get(c.name) != c.type}
        self.provable = not retyped.intersection(table.jsonb_columns).union(table.json_columns)
        self._readers = [
            (number, name, _reader(table, backed_up, name))
            for number, name in enumerate(names)
            if name in written
        ]
        members = (_member(name, is_json=name in table.jsonb_columns) for name in names)
        self._line = re.compile(rb"\{" + b",".join(members) + rb"\}(?:\n|\Z)")

    def read(self, rows: Sequence[bytes]) -> CopiedRows | None:
        """None where a row has another layout, or a value another form."""
        lines: list[bytes] = []
        numbers: dict[str, list[int]] = {name: [] for name in self._numbered}
        try:
            for start in range(0, len(rows), _AT_ONCE):
                tokens = self._tokens(rows[start : start + _AT_ONCE])
                texts = self._texts(tokens) if tokens else None
                if texts is None:
                    return None
                lines += map(_SEPARATOR.join, zip(*texts.values(), strict=True))
                for name in self._numbered:
                    numbers[name] += _numbers(texts[name])
        except ValueError:
            return None
        return CopiedRows(b"\n".join(lines) + b"\n", numbers)

    def _texts(self, tokens: Sequence[Values]) -> dict[str, Values] | None:
        texts: dict[str, Values] = {}
        for number, name, reader in self._readers:
            values = reader(tokens[number])
            if values is None:
                return None
            texts[name] = values
        return texts

    def _tokens(self, rows: Sequence[bytes]) -> list[tuple[bytes, ...]] | None:
        """For each column of the layout the tokens of all rows."""
        text = b"\n".join(rows)
        if UNNAMED in text or len(text.translate(None, _CONTROLS)) < len(text):
            return None
        found = self._line.findall(text)
        if len(found) != len(rows):
            return None
        # the pattern has no group within a group; with a single one, findall gives no tuples
        return list(zip(*found, strict=True)) if isinstance(found[0], tuple) else [tuple(found)]


def _member(name: str, *, is_json: bool) -> bytes:
    """The pattern of a member. A name and a colon stand unescaped in no string, so a string ends at
    the first quote behind which the next member begins.
    """
    value = rb"(.*?)" if is_json else rb'("[^"\n]*"(?:[^"\n]*")*?|[^",\[\]{}\n]+)'
    return re.escape(json.dumps(name, ensure_ascii=False).encode()) + b":" + value


def _numbers(texts: Values) -> list[int]:
    return [int(text) for text in texts if text != _COPY_NULL]


def _reader(table: Table, backed_up: Table, name: str) -> Callable[[Values], Values | None]:
    if name not in table.jsonb_columns:
        return _scalars
    nullable = next(column.nullable for column in backed_up.columns if column.name == name)
    return _nullable_json if nullable else _json


def _json(tokens: Values) -> Values:
    joined = _SEPARATOR.join(tokens)
    if b"\\" not in joined:
        return tokens
    return joined.replace(b"\\", b"\\\\").split(_SEPARATOR)


def _nullable_json(tokens: Values) -> Values:
    return [_COPY_NULL if token == _NULL else token for token in _json(tokens)]


def _scalars(tokens: Values) -> Values | None:
    """None where one is an array or an object."""
    joined = _SEPARATOR.join(tokens)
    if not joined.translate(None, _BARE):
        return tokens
    if _NULL in joined:
        return _with_nulls(tokens)
    if b'"' in joined:
        return _strings(tokens, joined)
    return tokens if _BOOLEANS.issuperset(tokens) else None


def _with_nulls(tokens: Values) -> Values | None:
    given = [token for token in tokens if token != _NULL]
    if len(given) == len(tokens):
        return _strings(tokens, _SEPARATOR.join(tokens))
    texts = _scalars(given) if given else []
    if texts is None:
        return None
    following = iter(texts)
    return [_COPY_NULL if token == _NULL else next(following) for token in tokens]


def _strings(tokens: Values, joined: bytes) -> Values | None:
    if b"\\" not in joined:
        # every quote is one around a value
        plain = joined[0] == joined[-1] == 0x22 and joined.count(b'"') == 2 * len(tokens)
        texts = joined[1:-1].split(b'"\t"')
        return texts if plain and len(texts) == len(tokens) else None
    if b"\\u" in joined:
        return _unescaped(tokens)
    texts = _STRING.findall(joined)
    # three more bytes for each but the last: its quotes, and the separator
    whole = sum(map(len, texts)) + 3 * len(texts) - 1 == len(joined)
    return texts if whole and len(texts) == len(tokens) else None


def _unescaped(tokens: Values) -> Values | None:
    try:
        return [_unescaped_one(token) for token in tokens]
    except ValueError:
        return None


def _unescaped_one(token: bytes) -> bytes:
    """Raises ValueError for what is no string, or one that PostgreSQL cannot hold."""
    value = json.loads(token) if token[:1] == b'"' else None
    if not isinstance(value, str) or "\0" in value:
        raise ValueError("not a string that PostgreSQL takes")
    return value.translate(_ESCAPED).encode()
