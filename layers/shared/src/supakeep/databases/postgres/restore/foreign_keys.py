"""Checks the foreign keys of tables that were written while their triggers were off."""

from __future__ import annotations

from collections.abc import Sequence

from psycopg import sql

from supakeep.databases.postgres.connection import Connection
from supakeep.databases.postgres.errors import mapped_errors
from supakeep.databases.postgres.sql import columns_of, rows_of
from supakeep.domain.schema import Catalog, ForeignKey, Table
from supakeep.ports import ForeignKeyViolation


def foreign_key_violations(
    connection: Connection, written: Sequence[Table], catalog: Catalog, *, deleted: bool
) -> list[ForeignKeyViolation]:
    """What the written tables, and those that refer to values which may be gone, violate now: with
    `deleted` all that refer to the written tables, else those that refer to what an update changes.
    """
    names = {table.qualified_name for table in written}
    found = []
    for child in catalog.tables.values():
        for key in child.foreign_keys:
            may_lose = deleted or _refers_beside_key(key, catalog.tables.get(key.parent))
            touched = child.qualified_name in names or (key.parent in names and may_lose)
            if touched and key.validated:
                found += _violations(connection, child, key, catalog.tables.get(key.parent))
    return found


def _refers_beside_key(key: ForeignKey, parent: Table | None) -> bool:
    """Whether an update of the parent can take away what the key refers to: rows are matched by
    their primary key, which keeps its values.
    """
    return parent is not None and not set(key.parent_columns) <= set(parent.primary_key)


def _violations(
    connection: Connection, child: Table, key: ForeignKey, known_parent: Table | None
) -> list[ForeignKeyViolation]:
    query = _missing_parents(child, key, known_parent)
    with mapped_errors("restore", child.qualified_name):
        row = connection.execute(query).fetchone()
    if not row or not row[0]:
        return []
    return [ForeignKeyViolation(key.name, child.qualified_name, key.parent, row[0], row[1])]


def _missing_parents(child: Table, key: ForeignKey, known_parent: Table | None) -> sql.Composed:
    # an extension's table is not in the catalog, and has no heirs
    parent = (
        rows_of(known_parent)
        if known_parent
        else sql.Identifier(key.parent_schema, key.parent_name)
    )
    present = sql.SQL(" and ").join(
        sql.SQL("c.{} is not null").format(sql.Identifier(name)) for name in key.columns
    )
    return sql.SQL(
        "select count(*), min(({columns})::text) from (select {columns} from {child} c "
        "where {present} "
        "and not exists (select from {parent} p where ({parents}) = ({columns}))) c"
    ).format(
        columns=columns_of(key.columns, "c"),
        child=rows_of(child),
        present=present,
        parent=parent,
        parents=columns_of(key.parent_columns, "p"),
    )
