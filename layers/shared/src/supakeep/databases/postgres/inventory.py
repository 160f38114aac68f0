"""Lists what a project is made of, so that a backup can say of each whether it holds it."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator
from typing import LiteralString

import psycopg
from psycopg import sql

from supakeep.databases.postgres.connection import (
    SYSTEM_NAMES,
    Connection,
    compare_as_types_do,
)
from supakeep.databases.postgres.errors import mapped_errors
from supakeep.databases.sql import sql_query
from supakeep.domain.managed_schemas import is_managed_schema
from supakeep.domain.project_object import ObjectKind, ProjectObject

# what lies in tables of Supabase's own, by the table and its names; a job's command may hold a secret
_NAMED_IN_TABLES: tuple[tuple[ObjectKind, LiteralString, LiteralString, LiteralString], ...] = (
    (
        ObjectKind.CRON_JOB,
        "cron",
        "job",
        "coalesce(to_jsonb(t)->>'jobname', 'job ' || (to_jsonb(t)->>'jobid'))",
    ),
    (ObjectKind.VAULT_SECRET, "vault", "secrets", "coalesce(name, id::text)"),
    (ObjectKind.BUCKET, "storage", "buckets", "id::text"),
)
_READABLE: LiteralString = """
select has_schema_privilege(n.oid, 'usage') and has_table_privilege(c.oid, 'select')
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
 where n.nspname = $1 and c.relname = $2
"""
_MANAGED_ROLES = (
    *("anon", "authenticated", "authenticator", "dashboard_user", "pgbouncer", "pgtle_admin"),
    *("postgres", "service_role", "supabase_*", "pgsodium_*", "cli_login_*"),
)
# they lie in no schema, and are about one
_ABOUT_A_SCHEMA = (ObjectKind.DEFAULT_PRIVILEGES, ObjectKind.EVENT_TRIGGER)
_WITH_A_TABLE = (ObjectKind.PARTITION, ObjectKind.SEQUENCE)
# of these, what lies in a schema of Supabase's is somebody's own work
_OWN_IN_MANAGED = (ObjectKind.POLICY, ObjectKind.TRIGGER, ObjectKind.WEBHOOK)


def read_inventory(connection: Connection) -> list[ProjectObject]:
    """As this connection's transaction sees it; raises DatabaseError, after which the transaction goes on."""
    with mapped_errors("list objects"), connection.transaction():
        connection.execute(SYSTEM_NAMES)
        rows = connection.execute(sql_query("inventory.sql")).fetchall()
        found = [_object(ObjectKind(kind), *names) for kind, *names in rows]
        found += _named_in_tables(connection)
        compare_as_types_do(connection)
    return found


def _named_in_tables(connection: Connection) -> Iterator[ProjectObject]:
    for kind, schema, table, name in _NAMED_IN_TABLES:
        for (readable,) in connection.execute(_READABLE, [schema, table]).fetchall():
            query = sql.SQL("select {} from {} t order by 1").format(
                sql.SQL(name), sql.Identifier(schema, table)
            )
            names = _names(connection, query) if readable else None
            hidden = f"each of {schema}.{table}, which the role may not read"
            for text in [hidden] if names is None else names:
                yield ProjectObject(kind, text)


def _names(connection: Connection, query: sql.Composed) -> list[str] | None:
    """None where a policy hides rows from the role: that is an error here (connection.py)."""
    try:
        with connection.transaction():
            return [name for (name,) in connection.execute(query).fetchall()]
    except psycopg.errors.InsufficientPrivilege:
        return None


def _object(kind: ObjectKind, schema: str | None, name: str, root: str | None) -> ProjectObject:
    """Of a trigger, `root` is the schema of the function that it calls, where that is another one; of an event
    trigger always. Of default privileges it is the schema that they are for.
    """
    if kind in _ABOUT_A_SCHEMA:
        return ProjectObject(kind, name, managed=root is not None and is_managed_schema(root))
    managed = _is_managed(kind, schema, name)
    if kind is ObjectKind.TRIGGER and managed:
        managed = root is None
    elif kind in _OWN_IN_MANAGED:
        managed = False
    full_name = name if schema is None else f"{schema}.{name}"
    of_table = root if kind in _WITH_A_TABLE else None
    return ProjectObject(kind, full_name, schema, of_table, managed)


def _is_managed(kind: ObjectKind, schema: str | None, name: str) -> bool:
    if kind is ObjectKind.ROLE:
        return any(fnmatch.fnmatchcase(name, pattern) for pattern in _MANAGED_ROLES)
    in_schema = name if kind is ObjectKind.SCHEMA else schema
    return in_schema is not None and is_managed_schema(in_schema)
