"""Reads from `pg_catalog` what a backup and a restore must know of the tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, LiteralString

from supakeep.databases.catalog import catalog_of
from supakeep.databases.postgres.connection import (
    SYSTEM_NAMES,
    Connection,
    compare_as_types_do,
)
from supakeep.databases.postgres.errors import mapped_errors
from supakeep.databases.sql import sql_query
from supakeep.domain.schema import Catalog
from supakeep.domain.users import is_users_table

_DATABASE: LiteralString = """
select current_setting('server_version'), current_user::text,
       array(select nspname::text from pg_namespace)
"""


def read_catalog(connection: Connection) -> Catalog:
    """Every table outside the system's schemas, as this connection's transaction sees it."""
    with mapped_errors("read catalog"):
        [(version, role, schemas)] = connection.execute(_DATABASE).fetchall()
        connection.execute(SYSTEM_NAMES)
        rows = connection.execute(sql_query("tables.sql")).fetchall()
        compare_as_types_do(connection)
    described = [{**fields, "rows_hidden": _rows_hidden(fields)} for (fields,) in rows]
    return catalog_of(version, described, role=role, schemas=schemas)


def _rows_hidden(fields: Mapping[str, Any]) -> bool:
    """Where row-level security would hide rows, reading them is an error (connection.py), which fails
    the backup. Not so for users: those are passed over, and nobody named them.
    """
    of_users = is_users_table(fields["schema_name"], fields["name"])
    return of_users and bool(fields["rows_hidden"])


def read_left_out(connection: Connection, schemas: list[str]) -> dict[str, str]:
    """Relations of these schemas that no backup holds, and why."""
    with mapped_errors("read catalog"):
        rows = connection.execute(sql_query("left_out.sql")).fetchall()
    return {name: reason for schema, name, reason in rows if schema in schemas}
