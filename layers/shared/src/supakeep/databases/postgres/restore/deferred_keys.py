"""Checks unique constraints that Postgres checks by a trigger, which does not fire for a replica."""

from __future__ import annotations

from typing import LiteralString, NamedTuple

from psycopg import sql

from supakeep.databases.postgres.connection import Connection
from supakeep.databases.postgres.sql import columns_of, name_of, rows_of
from supakeep.domain.json_text import shortened
from supakeep.domain.schema import Table
from supakeep.errors import ConstraintViolationError

# Those of the table, and those that one of its partitions has beside them.
_DEFERRABLE: LiteralString = """
with written as (
  select $1::regclass::oid as oid
  union
  select relid from pg_partition_tree($1::regclass))
select n.nspname, r.relname, r.relkind = 'p', c.conname, c.contype = 'x',
       (select array_agg(a.attname order by k.i)::text[]
          from unnest(c.conkey) with ordinality k(attnum, i)
          join pg_attribute a on a.attrelid = c.conrelid and a.attnum = k.attnum),
       coalesce((to_jsonb(i) ->> 'indnullsnotdistinct')::bool, false)
  from pg_constraint c
  join pg_index i on i.indexrelid = c.conindid
  join written w on w.oid = c.conrelid
  join pg_class r on r.oid = c.conrelid
  join pg_namespace n on n.oid = r.relnamespace
 where c.conparentid = 0 and c.condeferrable and c.contype in ('p', 'u', 'x')
 order by n.nspname, r.relname, c.conname
"""


class DeferrableKey(NamedTuple):
    """A constraint DEFERRABLE of a table or a partition: unique, or one that excludes."""

    owner: Table
    name: str
    excludes: bool
    columns: tuple[str, ...]
    nulls_are_equal: bool


def deferrable_keys(connection: Connection, table: Table) -> list[DeferrableKey]:
    rows = connection.execute(_DEFERRABLE, [name_of(table).as_string(connection)]).fetchall()
    return [
        DeferrableKey(
            Table(schema_name=schema, name=relation, columns=(), partitioned=partitioned),
            name,
            excludes,
            tuple(columns or ()),
            nulls_are_equal,
        )
        for schema, relation, partitioned, name, excludes, columns, nulls_are_equal in rows
    ]


def check_deferrable(connection: Connection, table: Table) -> None:
    """Raises ConstraintViolationError where rows of the table have equal values in such a key."""
    for key in deferrable_keys(connection, table):
        row = None if key.excludes else connection.execute(_duplicates(key)).fetchone()
        if row and row[0]:
            message = (
                f"{key.owner.qualified_name}: {row[0]:,} values of the unique constraint {key.name} "
                "would stand in several rows"
            )
            raise ConstraintViolationError(
                message,
                operation="restore",
                key=table.qualified_name,
                in_full=f"{message}, for example {shortened(row[1])}",
                hint="Nothing was written. Delete the rows that have these values first, or use "
                "the mode replace.",
            )


def _duplicates(key: DeferrableKey) -> sql.Composed:
    columns = columns_of(key.columns, "t")
    present = sql.SQL(" and ").join(
        sql.SQL("t.{} is not null").format(sql.Identifier(name)) for name in key.columns
    )
    return sql.SQL(
        "select count(*), min(d.example) from (select ({columns})::text as example from {rows} t "
        "where {present} group by {columns} having count(*) > 1) d"
    ).format(
        columns=columns,
        rows=rows_of(key.owner),
        present=sql.SQL("true") if key.nulls_are_equal else present,
    )
