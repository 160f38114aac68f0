"""What a table's constraints mean for a restore into it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import LiteralString, NamedTuple

from supakeep.databases.postgres.connection import Connection
from supakeep.databases.postgres.sql import name_of
from supakeep.domain.schema import Table
from supakeep.errors import RestoreError

# The columns that unique and exclusion indexes beside the primary key depend on, in partitions too.
# An index on an expression depends on the expression's columns.
_CONSTRAINTS: LiteralString = """
with written as (
  select $1::regclass::oid as oid
  union
  select relid from pg_partition_tree($1::regclass))
select coalesce((
         select array_agg(distinct a.attname)::text[]
           from pg_index i
           join written w on w.oid = i.indrelid
          cross join lateral (
            select unnest(i.indkey::int2[])::int
            union
            select d.refobjsubid from pg_depend d
             where d.classid = 'pg_class'::regclass and d.objid = i.indexrelid
               and d.refclassid = 'pg_class'::regclass and d.refobjid = i.indrelid) k(attnum)
           join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum and k.attnum > 0
          where (i.indisunique or i.indisexclusion) and not i.indisprimary), '{}'),
       exists (select from pg_index i
                where i.indrelid = $1::regclass and i.indisprimary and i.indisexclusion),
       exists (select from pg_constraint f join written w on w.oid = f.confrelid where f.contype = 'f'),
       coalesce((
         select array_agg(c.conname order by c.conname)::text[]
           from pg_constraint c
          where c.conrelid = $1::regclass and c.contype = 'c' and not c.convalidated
            and coalesce((to_jsonb(c) ->> 'conenforced')::bool, true)), '{}'),
       coalesce((
         select json_object_agg(g.name, g.sources)
           from (select a.attname as name, json_agg(s.attname) as sources
                   from pg_attrdef e
                   join pg_attribute a on a.attrelid = e.adrelid and a.attnum = e.adnum
                   -- of the expression, and before PostgreSQL 15 of the column
                   join pg_depend d
                     on (d.classid = 'pg_attrdef'::regclass and d.objid = e.oid
                         or d.classid = 'pg_class'::regclass and d.objid = e.adrelid and d.objsubid = e.adnum)
                    and d.refclassid = 'pg_class'::regclass and d.refobjid = e.adrelid
                   join pg_attribute s on s.attrelid = e.adrelid and s.attnum = d.refobjsubid
                  where e.adrelid = $1::regclass and a.attgenerated <> '' and s.attnum <> e.adnum
                  group by a.attname) g), '{}'),
       coalesce((
         select array_agg(a.attname)::text[]
           from pg_attribute a
           join pg_type t on t.oid = a.atttypid
          where a.attrelid = $1::regclass and a.attnum > 0 and not a.attisdropped and a.attnotnull
            and not a.atthasdef and a.attidentity = '' and t.typdefault is null), '{}')
"""

# What a delete does to rows of tables that are not part of the restore.
_ACTIONS: LiteralString = """
with written as (
  select root as oid from unnest($1::regclass[]) root
  union
  select part.relid from unnest($1::regclass[]) root, pg_partition_tree(root) part)
select cn.nspname || '.' || c.relname, pn.nspname || '.' || p.relname,
       case f.confdeltype when 'c' then 'CASCADE' when 'n' then 'SET NULL' else 'SET DEFAULT' end
  from pg_constraint f
  join pg_class c on c.oid = f.conrelid
  join pg_namespace cn on cn.oid = c.relnamespace
  join pg_class p on p.oid = f.confrelid
  join pg_namespace pn on pn.oid = p.relnamespace
 where f.contype = 'f' and f.conparentid = 0 and f.confdeltype in ('c', 'n', 'd')
   and f.confrelid in (select oid from written) and f.conrelid not in (select oid from written)
 order by 1, 2
"""


class TableConstraints(NamedTuple):
    """`unique_columns` are those of unique and exclusion constraints beside the primary key.

    A key that `is_temporal` is one WITHOUT OVERLAPS: no ON CONFLICT can name it. `is_referenced` is
    whether foreign keys refer to the table. Rows that are there may violate `unchecked`, and new
    ones may not (NOT VALID). `generated` are the columns that the database computes, with those that
    it computes them of. No row is inserted without a value for those that are `demanded`.
    """

    unique_columns: frozenset[str]
    is_temporal: bool
    is_referenced: bool
    unchecked: tuple[str, ...]
    generated: Mapping[str, frozenset[str]]
    demanded: frozenset[str]


def constraints_of(connection: Connection, table: Table) -> TableConstraints:
    row = connection.execute(_CONSTRAINTS, [name_of(table).as_string(connection)]).fetchone()
    columns, is_temporal, is_referenced, unchecked, generated, demanded = row or (
        *([], False, False, []),
        *({}, []),
    )
    return TableConstraints(
        frozenset(columns),
        is_temporal,
        is_referenced,
        tuple(unchecked),
        {name: frozenset(sources) for name, sources in generated.items()},
        frozenset(demanded),
    )


def check_delete_actions(connection: Connection, tables: Sequence[Table]) -> None:
    """Raises RestoreError where deletes in these tables would change rows of others.

    Only for a role that cannot switch the actions off: nothing would report those rows, and no undo
    would hold them.
    """
    names = [name_of(table).as_string(connection) for table in tables]
    row = connection.execute(_ACTIONS, [names]).fetchone()
    if row is None:
        return
    child, parent, action = row
    raise RestoreError(
        f"The mode replace would change rows of {child}, which is not part of this restore: it "
        f"refers to {parent} ON DELETE {action}, and this role may not switch that off",
        operation="restore",
        key=child,
        hint=f"Restore {child} as well, use the mode merge, or use a role that may set "
        "session_replication_role (postgres on Supabase).",
    )


def check_keyless(table: Table, constraints: TableConstraints) -> None:
    """Raises RestoreError for a table that must be emptied although others refer to it."""
    if table.primary_key or not constraints.is_referenced:
        return
    raise RestoreError(
        f"{table.qualified_name} has no primary key, so replace empties it first; other tables "
        "refer to it, and this role may not switch foreign keys off",
        operation="restore",
        key=table.qualified_name,
        hint="Use a role that may set session_replication_role (postgres on Supabase).",
    )


def notices_of(
    table: Table, constraints: TableConstraints, *, enforces_foreign_keys: bool
) -> list[str]:
    """What the caller should know of the table before the first write."""
    name = table.qualified_name
    notices = [
        f"{name}: the check {check} is NOT VALID. A row of the backup that violates it cannot be "
        "written, and stops the restore"
        for check in constraints.unchecked
    ]
    if enforces_foreign_keys and constraints.is_referenced and constraints.unique_columns:
        notices.append(
            f"{name}: other tables refer to it, so this role cannot restore unique values "
            f"({', '.join(sorted(constraints.unique_columns))}) that changed places between its rows"
        )
    return notices
