"""SQL that the Postgres adapters share, composed from a table's own names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from psycopg import sql

from supakeep.domain.schema import Table


def name_of(table: Table) -> sql.Identifier:
    """The table's qualified name."""
    return sql.Identifier(table.schema_name, table.name)


def rows_of(table: Table) -> sql.Composable:
    """The table's own rows: an heir is a table by itself, a partition is not."""
    return name_of(table) if table.partitioned else sql.SQL("only {}").format(name_of(table))


def columns_of(names: Iterable[str], alias: str | None = None) -> sql.Composed:
    """A list of columns, of `alias` where one is given."""
    return sql.SQL(", ").join(
        sql.Identifier(alias, name) if alias else sql.Identifier(name) for name in names
    )


def line_of(table: Table, columns: Sequence[str] | None = None) -> sql.Composable:
    """A row of `t` as JSON text on one line, of some columns or of all.

    It is row_to_json's, but for values of which that would not be exact (docs/format.md).
    """
    names = table.column_names if columns is None else tuple(columns)
    special = {*table.text_columns, *table.array_columns}
    if names == table.column_names and not special:
        text: sql.Composable = sql.SQL("pg_catalog.row_to_json(t.*)::text")
    else:
        text = sql.SQL("(select pg_catalog.row_to_json(r.*)::text from (select {}) r)").format(
            sql.SQL(", ").join(_field(table, name) for name in names)
        )
    if table.json_columns:
        # a json column may hold line breaks between its tokens, never inside one
        text = sql.SQL("translate({}, E'\\n\\r', '  ')").format(text)
    nullable = {column.name for column in table.columns if column.nullable}
    types = {
        **dict.fromkeys(table.json_columns, sql.SQL("json")),
        **dict.fromkeys(table.jsonb_columns, sql.SQL("jsonb")),
    }
    found = [
        sql.SQL("case when {}_typeof({}) = 'null' then {} end").format(
            types[name], sql.Identifier("t", name), sql.Literal(name)
        )
        for name in names
        if name in types and name in nullable
    ]
    return _with_json_nulls(text, found) if found else text


def _field(table: Table, name: str) -> sql.Composable:
    column, alias = sql.Identifier("t", name), sql.Identifier(name)
    if name in table.text_columns:
        return sql.SQL("{}::text as {}").format(column, alias)
    if name in table.array_columns:
        # JSON has no place for a lower bound other than 1, the array's text has
        return sql.SQL(
            "case when array_dims({0}) !~ '^([[]1:[0-9]+[]])+$' "
            "then to_json({0}::text) else to_json({0}) end as {1}"
        ).format(column, alias)
    return column


def _with_json_nulls(text: sql.Composable, found: Sequence[sql.Composed]) -> sql.Composable:
    """Tells JSON's null from SQL's: a member without a name lists the columns that hold the first.

    No column's name is empty.
    """
    return sql.SQL(
        "case when coalesce({found}) is null then {text} else left({text}, -1) || "
        """',"":' || array_to_json(array_remove(array[{found}]::text[], null))::text || '}}' end"""
    ).format(found=sql.SQL(", ").join(found), text=text)


def key_of(table: Table, alias: str = "t") -> sql.Composed:
    """The primary key as a row."""
    return sql.SQL("({})").format(columns_of(table.primary_key, alias))


def key_literal(table: Table, texts: Sequence[str]) -> sql.Composed:
    """A key's values, given as text, as a row of the key's types."""
    values = [
        sql.SQL("{}::{}").format(sql.Literal(text), type_of(table, name))
        for name, text in zip(table.primary_key, texts, strict=True)
    ]
    return sql.SQL("({})").format(sql.SQL(", ").join(values))


def type_of(table: Table, column: str) -> sql.Composable:
    """A column's type; the catalog spells it so that it can stand in SQL."""
    spelled = next(entry.type for entry in table.columns if entry.name == column)
    return sql.SQL(spelled)
