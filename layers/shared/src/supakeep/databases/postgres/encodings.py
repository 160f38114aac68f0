"""How a value of each type is spelled in a row's JSON, where its own text nearly is JSON.

PostgreSQL prints a value several times faster than it makes JSON of it. A type's text is JSON as it
stands, or between two quotes, unless a value is one of a few: NaN, or a text with a quote in it. So
a portion of rows is read as if it held none of these, together with a proof; columns that fail
theirs are read again by `to_json`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import LiteralString

from psycopg import sql

from supakeep.databases.postgres.lines import MUST_BE_TEXT, member_value
from supakeep.domain.schema import Column, Table


@dataclass(frozen=True)
class Encoding:
    """A column's value in a line of `t`.

    Attributes:
        value: an argument of `concat`, which prints nothing for SQL's null.
        opening: what stands before the value.
        closing: what stands behind it.
        spells_null: whether `value` is the text `null` for SQL's null; else the line's literals say it.
        text: a text that must hold no character which JSON escapes, or None.
        doubt: a condition on a value that is spelled otherwise, or None.
    """

    value: sql.Composable
    opening: str = ""
    closing: str = ""
    spells_null: bool = False
    text: sql.Composable | None = None
    doubt: sql.Composable | None = None

    @property
    def is_certain(self) -> bool:
        """Whether every value of the type is spelled so."""
        return self.text is None and self.doubt is None


@dataclass(frozen=True)
class _Spelling:
    """The templates of an encoding; {0} is the column, {1} the column as the type below a domain."""

    value: LiteralString = "{0}"
    opening: str = ""
    closing: str = ""
    is_text: bool = False
    doubt: LiteralString | None = None


_BARE = _Spelling()
_QUOTED = _Spelling(opening='"', closing='"')
_TEXT = _Spelling(opening='"', closing='"', is_text=True)
_FLOAT: LiteralString = (
    "{1} operator(pg_catalog.>=) 'infinity' or {1} operator(pg_catalog.=) '-infinity'"
)
# JSON's null needs no look inside a value that is larger
_JSONB_NULL: LiteralString = (
    "pg_catalog.pg_column_size({0}) < 32 and {1} operator(pg_catalog.=) 'null'"
)

# What a session prints for these does not depend on more than `connection.py` sets. A type that is
# missing here, and every type of the user's own, is spelled by to_json.
_SPELLINGS: Mapping[str, _Spelling] = {
    "smallint": _BARE,
    "integer": _BARE,
    "bigint": _BARE,
    "boolean": _Spelling("{0}::text"),
    # NaN and the infinities have no scale, and are strings in JSON; like 0, they have no digits
    "numeric": _Spelling(
        doubt="pg_catalog.pg_column_size({0}) <= 6 and pg_catalog.scale({0}) is null"
    ),
    "real": _Spelling(doubt=_FLOAT),
    "double precision": _Spelling(doubt=_FLOAT),
    "uuid": _QUOTED,
    "date": _QUOTED,
    "time without time zone": _QUOTED,
    "time with time zone": _QUOTED,
    "interval": _QUOTED,
    "inet": _QUOTED,
    "cidr": _QUOTED,
    "macaddr": _QUOTED,
    "macaddr8": _QUOTED,
    "bit": _QUOTED,
    "bit varying": _QUOTED,
    "oid": _QUOTED,
    # its text begins with a backslash, which JSON doubles
    "bytea": _Spelling(opening='"\\', closing='"'),
    "text": _TEXT,
    "character varying": _TEXT,
    # blanks at the end are printed, and lost on the way to text
    "character": _TEXT,
    "bpchar": _TEXT,
    # JSON's form of a time is none of the server's; null stays one
    "timestamp without time zone": _Spelling("pg_catalog.to_json({0})"),
    "timestamp with time zone": _Spelling("pg_catalog.to_json({0})"),
}
_JSON_NULL: LiteralString = "pg_catalog.json_typeof({0}) operator(pg_catalog.=) 'null'"
# what follows a type's name: its precision, and the fields of an interval
_MODIFIER = re.compile(r"\([^)]*\)| (?:year|month|day|hour|minute|second)\b.*")


def fast_encoding(table: Table, column: Column) -> Encoding:
    """How nearly all values of the column are spelled."""
    spelling = _spelling(table, column)
    if spelling is None:
        return exact_encoding(table, column)
    name = sql.Identifier("t", column.name)
    base = table.base_types.get(column.name)
    plain = name if base is None else sql.SQL("{}::{}").format(name, sql.SQL(base))
    return Encoding(
        sql.SQL(spelling.value).format(name),
        spelling.opening,
        spelling.closing,
        text=sql.SQL("{}::text").format(name) if spelling.is_text else None,
        doubt=sql.SQL(spelling.doubt).format(name, plain) if spelling.doubt else None,
    )


def exact_encoding(table: Table, column: Column) -> Encoding:
    """How every value of the column is spelled, by `to_json`."""
    return Encoding(member_value(table, column), spells_null=True)


def _spelling(table: Table, column: Column) -> _Spelling | None:
    if column.name in (*table.text_columns, *table.array_columns):
        return None
    if column.name in table.json_columns:
        doubt = MUST_BE_TEXT
        return _Spelling(doubt=f"({doubt} or {_JSON_NULL})" if column.nullable else doubt)
    if column.name in table.jsonb_columns:
        return _Spelling(doubt=_JSONB_NULL) if column.nullable else _BARE
    base = table.base_types.get(column.name, column.type)
    return _SPELLINGS.get(_MODIFIER.sub("", base))
