"""Triggers and policies of the project's own on tables that Supabase manages: pg_dump leaves these schemas out."""

from __future__ import annotations

from collections.abc import Iterator

from supakeep.databases.postgres.connection import (
    SYSTEM_NAMES,
    Connection,
    compare_as_types_do,
)
from supakeep.databases.postgres.errors import mapped_errors
from supakeep.databases.sql import sql_query
from supakeep.domain.managed_schemas import is_managed_schema
from supakeep.errors import ExportError


def definitions_on_managed_tables(connection: Connection) -> bytes:
    """SQL that makes them, each headed as pg_dump heads an object. Raises DatabaseError, after which the
    transaction goes on; ExportError where one is gone since the snapshot.
    """
    with mapped_errors("export definitions"), connection.transaction():
        connection.execute(SYSTEM_NAMES)
        rows = connection.execute(sql_query("managed_tables.sql")).fetchall()
        compare_as_types_do(connection)
    return "".join(_definitions(rows)).encode()


def _definitions(
    rows: list[tuple[str, str, str, str, str | None, str | None]],
) -> Iterator[str]:
    for kind, schema, table, name, calls, sql in rows:
        # Supabase's own triggers call functions beside the table
        if not is_managed_schema(schema) or calls == schema:
            continue
        # a line break in a name would end the comment
        title = f"{table} {name}".replace("\n", " ").replace("\r", " ")
        if sql is None:
            raise _changed(f"{kind.lower()} {schema}.{title}")
        head = f"-- Name: {title}; Type: {kind}; Schema: {schema}; Owner: -"
        yield f"--\n{head}\n--\n\n{sql}\n\n\n"


def _changed(what: str) -> ExportError:
    return ExportError(
        f"The definitions are not in this backup: {what} was changed or dropped while it was made",
        operation="export definitions",
        key=what,
        hint="The rows are in the backup. Back up again when the migration is done.",
    )
