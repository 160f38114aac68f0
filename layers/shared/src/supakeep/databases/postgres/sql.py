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
    """The primary key as a row to compare with."""
    return sql.SQL("({})").format(key_operands(table, alias))


def key_operands(table: Table, alias: str = "t") -> sql.Composed:
    """The columns of the primary key as operands of a comparison."""
    return sql.SQL(", ").join(operand(table, name, alias) for name in table.primary_key)


def operand(table: Table, column: str, alias: str = "t") -> sql.Composable:
    """A column as an operand of a comparison: a domain as the type below it, since not every
    operator takes a domain (those of enums do not). An index on the column serves all the same.
    """
    name = sql.Identifier(alias, column)
    base = table.base_types.get(column)
    return name if base is None else sql.SQL("{}::{}").format(name, sql.SQL(base))


def key_literal(table: Table, texts: Sequence[str]) -> sql.Composed:
    """A key's values, given as text, as a row of the key's types."""
    values = [
        sql.SQL("{}::{}").format(sql.Literal(text), compared_type(table, name))
        for name, text in zip(table.primary_key, texts, strict=True)
    ]
    return sql.SQL("({})").format(sql.SQL(", ").join(values))


def key_parameters(table: Table, first: int) -> sql.Composed:
    """The same for a key given as parameters, the first of which has the number `first`."""
    values = [
        sql.SQL(f"${number}::{{}}").format(compared_type(table, name))
        for number, name in enumerate(table.primary_key, first)
    ]
    return sql.SQL("({})").format(sql.SQL(", ").join(values))


def type_of(table: Table, column: str) -> sql.Composable:
    """A column's type; the catalog spells it so that it can stand in SQL."""
    spelled = next(entry.type for entry in table.columns if entry.name == column)
    return sql.SQL(spelled)


def compared_type(table: Table, column: str) -> sql.Composable:
    """The type in which a column's values are compared."""
    base = table.base_types.get(column)
    return type_of(table, column) if base is None else sql.SQL(base)
