"""A row as one line of JSON, put together by Postgres."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import LiteralString

from psycopg import sql

from supakeep.databases.postgres.connection import Connection
from supakeep.domain.schema import Column, Table
from supakeep.ports import Rows

# more rows than any table has
TOO_WIDE = 2**63 - 1
# A value of type json that would not come back as it is: with a line break between two tokens (a
# row is one line), with a blank around it, or with \u0000 or half of a surrogate pair in a string,
# which the functions that make rows of JSON refuse. Most values are done with after the patterns
# without a bracket; an escaped backslash before a u only makes it hard to tell, so it counts too.
MUST_BE_TEXT: LiteralString = r"""(
  {0}::text collate "C" < '!'
  or {0}::text collate "C" like any (array[E'%\n%', E'%\r%', '% ', E'%\t'])
  or {0}::text collate "C" like '%\\u%' and {0}::text ~
    '\\u0000|\\\\u|\\u[dD][89abAB]..(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB]..)\\u[dD][c-fC-F]'
)"""
_INTEGERS = frozenset(("smallint", "integer", "bigint"))


def line_of(table: Table, columns: Sequence[str] | None = None) -> sql.Composable:
    """A row of `t` as JSON text on one line, of some columns or of all.

    It is, byte by byte, what row_to_json makes of it, but for values of which that would not be
    exact (docs/format.md). row_to_json itself looks up every value's type and escapes every
    column's name, for each row anew, and takes a fifth longer.
    """
    names = set(table.column_names if columns is None else columns)
    chosen = [column for column in table.columns if column.name in names]
    text = _joined([*_members(table, chosen), sql.Literal("}" if chosen else "{}")])
    nulls, texts = list(_json_nulls(table, chosen)), list(_given_as_text(table, chosen))
    return _with_unnamed_member(text, {"null": nulls, "text": texts}) if nulls or texts else text


def _joined(texts: Sequence[sql.Composable]) -> sql.Composable:
    """One text of all, halves first, since each || copies what was joined before."""
    if len(texts) == 1:
        return texts[0]
    half = len(texts) // 2
    return sql.SQL("({} || {})").format(_joined(texts[:half]), _joined(texts[half:]))


def _members(table: Table, columns: Sequence[Column]) -> Iterator[sql.Composable]:
    for number, column in enumerate(columns):
        opening = "," if number else "{"
        yield sql.Literal(f"{opening}{json.dumps(column.name, ensure_ascii=False)}:")
        yield member_value(table, column)


def member_value(table: Table, column: Column) -> sql.Composable:
    """A column's value of `t` as JSON text, whatever the value."""
    value = sql.SQL("({})::text").format(_value(table, column))
    # a null would take the whole line with it, and not only a nullable column can hold one
    is_key = column.name in table.primary_key
    return value if is_key else sql.SQL("coalesce({}, 'null')").format(value)


def _value(table: Table, column: Column) -> sql.Composable:
    """A column's value as JSON text; SQL's null stays one."""
    name = sql.Identifier("t", column.name)
    if column.name in table.text_columns:
        return sql.SQL("pg_catalog.to_json({}::text)").format(name)
    if column.name in table.array_columns:
        # JSON has no place for a lower bound other than 1, the array's text has
        template = (
            # the array's collation would be that of the comparison, and may refuse it
            'case when pg_catalog.array_dims({0}) collate pg_catalog."C" '
            "!~ '^([[]1:[0-9]+[]])+$' "
            "then pg_catalog.to_json({0}::text) else pg_catalog.to_json({0}) end"
        )
    elif column.name in table.json_columns:
        template = f"case when {MUST_BE_TEXT} then pg_catalog.to_json({{0}}::text)::text else {{0}}::text end"
    else:
        template = _template(column.type)
    return sql.SQL(template).format(name)


def _template(type_: str) -> str:
    if type_ in _INTEGERS or type_ == "jsonb":
        return "{}"
    if type_ == "boolean":
        return "{}::text"
    if type_ == "uuid":
        return """'"' || {}::text || '"'"""
    if type_.startswith("numeric"):
        # NaN and the infinities have no scale, and are strings in JSON
        return "case when pg_catalog.scale({0}) is null then pg_catalog.to_json({0})::text else {0}::text end"
    return "pg_catalog.to_json({})"


def _json_nulls(table: Table, columns: Sequence[Column]) -> Iterator[sql.Composable]:
    """For each column that may hold SQL's null and JSON's: its name where it holds the second."""
    for column in columns:
        if not column.nullable:
            continue
        for type_, of_type in (("json", table.json_columns), ("jsonb", table.jsonb_columns)):
            if column.name in of_type:
                yield _name_where(f"{type_}_typeof({{0}}) = 'null'", column)


def _given_as_text(table: Table, columns: Sequence[Column]) -> Iterator[sql.Composable]:
    """For each column that may hold a value which is given as its text: its name where it does."""
    for column in columns:
        if column.name in table.json_columns:
            yield _name_where(MUST_BE_TEXT, column)


def _name_where(condition: LiteralString, column: Column) -> sql.Composable:
    return sql.SQL(f"case when {condition} then {{1}} end").format(
        sql.Identifier("t", column.name), sql.Literal(column.name)
    )


def _with_unnamed_member(
    text: sql.Composable, listed: Mapping[str, Sequence[sql.Composable]]
) -> sql.Composable:
    """The line with, where any column is listed, a member without a name that has the lists.

    No column's name is empty.
    """
    names = [name for found in listed.values() for name in found]
    lists = [
        sql.SQL(
            "{} || array_to_json(nullif(array_remove(array[{}]::text[], null), '{{}}'))::text"
        ).format(sql.Literal(f'"{member}":'), sql.SQL(", ").join(found))
        for member, found in listed.items()
        if found
    ]
    return sql.SQL(
        "case when coalesce({names}) is null then {text} else left({text}, -1) || "
        """',"":{{' || concat_ws(',', {lists}) || '}}}}' end"""
    ).format(names=sql.SQL(", ").join(names), text=text, lists=sql.SQL(", ").join(lists))


def portion_of(width: sql.Composable) -> sql.Composed:
    """What to select of a column `line` for `fetched_rows`: the lines put together, and their number
    or, where one of them has more than `width` bytes, TOO_WIDE.
    """
    return sql.SQL(
        "string_agg(line, E',\\n') filter (where octet_length(line) <= {width}), "
        "case when max(octet_length(line)) > {width} then {too_wide} else count(*) end"
    ).format(width=width, too_wide=sql.Literal(TOO_WIDE))


def fetched_rows(connection: Connection, query: bytes, parameters: Sequence[str]) -> Rows:
    """What a query answers that returns lines, put together, and their number.

    The text is taken as it came over the wire, UTF-8, and never made a string.
    """
    result = connection.execute(query, parameters, binary=True).pgresult
    lines, count = (result.get_value(0, column) for column in (0, 1)) if result else (None, None)
    return Rows(lines or b"", int.from_bytes(count or b"\0", "big"))
