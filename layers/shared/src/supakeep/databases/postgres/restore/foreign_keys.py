"""Checks the foreign keys of tables that were written while their triggers were off."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import LiteralString, NamedTuple

from psycopg import sql

from supakeep.databases.postgres.connection import Connection
from supakeep.databases.postgres.errors import mapped_errors
from supakeep.databases.postgres.sql import columns_of, rows_of
from supakeep.domain.schema import Catalog, ForeignKey, Table
from supakeep.ports import ForeignKeyViolation

# Keys that one partition has, or that refer to one; the catalog has those of whole tables.
_KEYS_OF_PARTITIONS: LiteralString = """
select n.nspname, c.relname, c.relkind = 'p', coalesce(croot.relname, c.relname), coalesce(cn.nspname, n.nspname),
       f.conname, f.confmatchtype = 'f', rn.nspname, rc.relname,
       coalesce(rroot.relname, rc.relname), coalesce(rrn.nspname, rn.nspname),
       array(select a.attname::text from unnest(f.conkey) with ordinality k(attnum, i)
               join pg_attribute a on a.attrelid = f.conrelid and a.attnum = k.attnum order by k.i),
       array(select a.attname::text from unnest(f.confkey) with ordinality k(attnum, i)
               join pg_attribute a on a.attrelid = f.confrelid and a.attnum = k.attnum order by k.i)
  from pg_constraint f
  join pg_class c on c.oid = f.conrelid join pg_namespace n on n.oid = c.relnamespace
  join pg_class rc on rc.oid = f.confrelid join pg_namespace rn on rn.oid = rc.relnamespace
  left join pg_class croot on croot.oid = pg_partition_root(c.oid)
  left join pg_namespace cn on cn.oid = croot.relnamespace
  left join pg_class rroot on rroot.oid = pg_partition_root(rc.oid)
  left join pg_namespace rrn on rrn.oid = rroot.relnamespace
 where f.contype = 'f' and f.conparentid = 0 and f.convalidated
   and to_jsonb(f) ->> 'conperiod' is distinct from 'true'
   and (c.relispartition or rc.relispartition)
 order by n.nspname, c.relname, f.conname
"""


class _Reference(NamedTuple):
    """A foreign key, the table or partition that has it, and the whole tables on both sides."""

    child: Table
    key: ForeignKey
    child_table: str
    parent_table: str


def foreign_key_violations(
    connection: Connection, written: Sequence[Table], catalog: Catalog, *, deleted: bool
) -> list[ForeignKeyViolation]:
    """What the written tables, and those that refer to values which may be gone, violate now: with
    `deleted` all that refer to the written tables, else those that refer to what an update changes.
    """
    names = {table.qualified_name for table in written}
    found: list[ForeignKeyViolation] = []
    for reference in (*_of_tables(catalog), *_of_partitions(connection)):
        parent = catalog.tables.get(reference.parent_table)
        may_lose = deleted or _refers_beside_key(reference.key, parent)
        touched = reference.child_table in names or (reference.parent_table in names and may_lose)
        if touched and reference.key.validated:
            known = catalog.tables.get(reference.key.parent)
            found += _violations(connection, reference.child, reference.key, known)
    # a key from a whole table to a partition is in both lists
    return list(dict.fromkeys(found))


def _of_tables(catalog: Catalog) -> Iterator[_Reference]:
    for child in catalog.tables.values():
        for key in child.foreign_keys:
            yield _Reference(child, key, child.qualified_name, key.parent)


def _of_partitions(connection: Connection) -> Iterator[_Reference]:
    with mapped_errors("restore"):
        rows = connection.execute(_KEYS_OF_PARTITIONS).fetchall()
    for (
        schema,
        name,
        partitioned,
        table,
        table_schema,
        key_name,
        full,
        *parent,
        columns,
        theirs,
    ) in rows:
        parent_schema, parent_name, parent_table, parent_table_schema = parent
        yield _Reference(
            Table(schema_name=schema, name=name, columns=(), partitioned=partitioned),
            ForeignKey(
                name=key_name,
                columns=columns,
                parent=f"{parent_schema}.{parent_name}",
                parent_schema=parent_schema,
                parent_name=parent_name,
                parent_columns=theirs,
                match_full=full,
            ),
            f"{table_schema}.{table}",
            f"{parent_table_schema}.{parent_table}",
        )


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
    # of a row that is null in some columns only, the comparison finds no parent
    present = sql.SQL(" or " if key.match_full else " and ").join(
        sql.SQL("c.{} is not null").format(sql.Identifier(name)) for name in key.columns
    )
    return sql.SQL(
        "select count(*), min(({columns})::text) from (select {columns} from {child} c "
        "where ({present}) "
        "and not exists (select from {parent} p where ({parents}) = ({columns}))) c"
    ).format(
        columns=columns_of(key.columns, "c"),
        child=rows_of(child),
        present=present,
        parent=parent,
        parents=columns_of(key.parent_columns, "p"),
    )
