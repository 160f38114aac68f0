"""A row as one line of JSON, put together by Postgres."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from psycopg import sql

from supakeep.databases.postgres.connection import Connection
from supakeep.domain.schema import Column, Table
from supakeep.ports import Rows

# more rows than any table has
TOO_WIDE = 2**63 - 1
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
    found = list(_json_nulls(table, chosen))
    return _with_json_nulls(text, found) if found else text


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
        value = sql.SQL("({})::text").format(_value(table, column))
        # a null would take the whole line with it, and not only a nullable column can hold one
        is_key = column.name in table.primary_key
        yield value if is_key else sql.SQL("coalesce({}, 'null')").format(value)


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
        # it may hold line breaks between its tokens, never inside one
        template = r"replace(replace({}::text, E'\n', ' '), E'\r', ' ')"
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
                yield sql.SQL("case when {}_typeof({}) = 'null' then {} end").format(
                    sql.SQL(type_), sql.Identifier("t", column.name), sql.Literal(column.name)
                )


def _with_json_nulls(text: sql.Composable, found: Sequence[sql.Composable]) -> sql.Composable:
    """Tells JSON's null from SQL's: a member without a name lists the columns that hold the first.

    No column's name is empty.
    """
    return sql.SQL(
        "case when coalesce({found}) is null then {text} else left({text}, -1) || "
        """',"":' || array_to_json(array_remove(array[{found}]::text[], null))::text || '}}' end"""
    ).format(found=sql.SQL(", ").join(found), text=text)


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
