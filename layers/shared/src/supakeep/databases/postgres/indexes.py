"""Indexes over expressions, which call functions of the user's own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import LiteralString

from psycopg import sql

from supakeep.databases.postgres.connection import Connection
from supakeep.databases.postgres.sql import name_of, rows_of
from supakeep.domain.schema import Table

_HAS_EXPRESSIONS: LiteralString = """
select exists (
  select from pg_index i
   where (i.indexprs is not null or i.indpred is not null)
     and (i.indrelid = $1::regclass
          or i.indrelid in (select relid from pg_partition_tree($1::regclass))))
"""
_OWN_PATH: LiteralString = "set local search_path to default"


def load_indexes(connections: Sequence[Connection], table: Table) -> None:
    """Lets the server read the expressions of the table's indexes under the role's own search path.

    It reads them once in a session, when it first plans a statement about the table. Under any other
    path it may not find what their functions name without a schema. It queries, so a transaction
    that is under way has its snapshot from here on.
    """
    name = name_of(table).as_string()
    row = connections[0].execute(_HAS_EXPRESSIONS, [name]).fetchone()
    if not row or not row[0]:
        return
    for connection in connections:
        with connection.transaction(force_rollback=True):
            connection.execute(_OWN_PATH)
            connection.execute(sql.SQL("select from {} limit 0").format(rows_of(table)))
