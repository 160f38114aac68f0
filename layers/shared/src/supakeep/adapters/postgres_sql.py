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
    """A row of `t` as JSON text on one line, of some columns or of all."""
    if columns is None or tuple(columns) == table.column_names:
        text: sql.Composable = sql.SQL("row_to_json(t.*)::text")
    else:
        text = sql.SQL("(select row_to_json(r.*)::text from (select {}) r)").format(
            columns_of(columns, "t")
        )
    if any(column.may_break_lines for column in table.columns):
        # a json column may hold line breaks between its tokens, never inside one
        return sql.SQL("translate({}, E'\\n\\r', '  ')").format(text)
    return text


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
