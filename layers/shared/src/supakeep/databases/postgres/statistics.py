"""What PostgreSQL's statistics say of the tables."""

from __future__ import annotations

from typing import LiteralString

from supakeep.databases.postgres.connection import Connection
from supakeep.databases.postgres.errors import mapped_errors
from supakeep.domain.table_activity import TableActivity

# Statistics that were never reset are dated from the server's start, though they may be older.
# reltuples is -1 for a table that was never analyzed
_ACTIVITY: LiteralString = """
with parts as (
  select c.oid, c.oid as part from pg_class c where c.relkind = 'r' and not c.relispartition
  union all
  select c.oid, p.relid from pg_class c, pg_partition_tree(c.oid) p
   where c.relkind = 'p' and not c.relispartition and p.isleaf)
select n.nspname || '.' || c.relname,
       coalesce(sum(greatest(p.reltuples, 0)), 0)::bigint,
       coalesce(sum(s.n_tup_ins + s.n_tup_upd + s.n_tup_del), 0)::bigint,
       (select coalesce(d.stats_reset, pg_postmaster_start_time())
          from pg_stat_database d where d.datname = current_database())
  from parts
  join pg_class c on c.oid = parts.oid
  join pg_namespace n on n.oid = c.relnamespace
  join pg_class p on p.oid = parts.part
  left join pg_stat_all_tables s on s.relid = parts.part
 where c.oid >= 16384
 group by n.nspname, c.relname
"""


def read_activity(connection: Connection) -> dict[str, TableActivity]:
    """By the tables' names; DatabaseError as of the other queries."""
    with mapped_errors("read statistics"):
        rows = connection.execute(_ACTIVITY).fetchall()
    return {name: TableActivity(count, changes, since) for name, count, changes, since in rows}
