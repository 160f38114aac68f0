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


def key_parameters(table: Table, first: int) -> sql.Composed:
    """The same for a key given as parameters, the first of which has the number `first`."""
    values = [
        sql.SQL(f"${number}::{{}}").format(type_of(table, name))
        for number, name in enumerate(table.primary_key, first)
    ]
    return sql.SQL("({})").format(sql.SQL(", ").join(values))


def type_of(table: Table, column: str) -> sql.Composable:
    """A column's type; the catalog spells it so that it can stand in SQL."""
    spelled = next(entry.type for entry in table.columns if entry.name == column)
    return sql.SQL(spelled)
