"""Why a table, or a name in the policy, cannot be backed up: each with what to do about it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from supakeep.domain.engine import Engine
from supakeep.domain.masks import mask_objection
from supakeep.domain.nearest_name import nearest_name
from supakeep.domain.policy import BackupPolicy, TablePolicy
from supakeep.domain.schema import Catalog, Table, quoted_identifier
from supakeep.errors import DatabasePermissionError, ExportError, SupakeepError

_WILDCARDS = frozenset("*?[")
_TIME = re.compile(r"date|timestamp(tz)?(\(\d\))?( with(out)? time zone)?")


def objection(
    name: str,
    policy: TablePolicy,
    catalog: Catalog,
    engine: Engine,
    left_out: Mapping[str, str],
) -> SupakeepError | None:
    """What stands against the backup of a table that the policy takes; `left_out` are relations
    that no backup holds, with the reason.
    """
    table = catalog.tables.get(name)
    if table is None:
        return _no_table(name, catalog, left_out)
    if not table.readable:
        return permission_denied(table.schema_name, table.name, role=catalog.role)
    if table.rows_hidden:
        return DatabasePermissionError(
            f"Row-level security hides rows of {name} from this key",
            operation="export",
            key=name,
            hint="Use the secret key (service role), which bypasses row-level security.",
        )
    if engine.needs_key and not table.primary_key:
        return ExportError(
            f"Table {name} has no primary key, so it can neither be paged through nor upserted",
            operation="export",
            key=name,
            hint="Add a primary key, exclude the table in supakeep.toml, or set SUPABASE_DB_URL.",
        )
    return (
        _excluded_objection(table, policy)
        or _column_objection(table, policy)
        or mask_objection(table, policy)
    )


def unmatched_names(
    policy: BackupPolicy, catalog: Catalog, left_out: Mapping[str, str]
) -> Iterator[tuple[str, SupakeepError]]:
    """Schemas and plain names of the `[backup]` entry that nothing in the database has."""
    if not policy.backup.tables:
        return
    schemas = policy.backup.schemas
    for schema in schemas:
        if schema not in catalog.schemas:
            yield f"{schema}.*", _no_schema(schema)
    names = [
        (table.name, f"{table.schema_name}.{table.name}")
        for table in catalog.tables.values()
        if table.schema_name in schemas
    ]
    matched = {name for pair in names for name in pair}
    for pattern in policy.backup.tables:
        if not _WILDCARDS.intersection(pattern) and pattern not in matched:
            name = pattern if "." in pattern else f"{schemas[0]}.{pattern}"
            yield name, _no_match(name, pattern, schemas, catalog, left_out)


def permission_denied(
    schema: str, table: str, *, writing: bool = False, role: str = "service_role"
) -> DatabasePermissionError:
    """The guide's error for a table that `role` may not use, with the GRANT that fixes it."""
    rights = "SELECT, INSERT, UPDATE" if writing else "SELECT"
    quoted_schema, quoted_table = quoted_identifier(schema), quoted_identifier(table)
    grantee = role if re.fullmatch("[a-z_][a-z0-9_]*", role) else quoted_identifier(role)
    return DatabasePermissionError(
        f"Permission denied for table {schema}.{table}",
        operation="restore" if writing else "export",
        key=f"{schema}.{table}",
        hint=f"Run in the SQL editor: GRANT USAGE ON SCHEMA {quoted_schema} TO {grantee}; "
        f"GRANT {rights} ON {quoted_schema}.{quoted_table} TO {grantee}; "
        "New tables get no grants by themselves since October 2026.",
    )


def _no_table(name: str, catalog: Catalog, left_out: Mapping[str, str]) -> ExportError:
    if name in left_out:
        return ExportError(
            f"{name} is {left_out[name]}",
            operation="export",
            key=name,
            hint="Remove it from supakeep.toml: only tables are backed up.",
        )
    if meant := catalog.ambiguous(name):
        return ExportError(
            f"{name} is the name of {len(meant)} tables: {', '.join(meant)}",
            operation="export",
            key=name,
            hint="Name one of them in supakeep.toml exactly as it is written here.",
        )
    return ExportError(
        f"Table {name} does not exist",
        operation="export",
        key=name,
        hint=f"{nearest_name(name, catalog.tables)}Correct its name in supakeep.toml, or create it. "
        "A view is not a table.",
    )


def _no_schema(schema: str) -> ExportError:
    return ExportError(
        f"Schema {schema} does not exist, or has no tables",
        operation="export",
        key=schema,
        hint="Correct it in supakeep.toml (schemas of [backup]), or remove it there.",
    )


def _no_match(
    name: str,
    pattern: str,
    schemas: list[str],
    catalog: Catalog,
    left_out: Mapping[str, str],
) -> ExportError:
    elsewhere = catalog.tables.get(name)
    if elsewhere is not None:
        return ExportError(
            f"Table {name} is in a schema that [backup] does not have",
            operation="export",
            key=name,
            hint=f"Add {elsewhere.schema_name} to schemas in supakeep.toml, or give the table a "
            "[[table]] entry.",
        )
    if name in left_out or "." in pattern:
        return _no_table(name, catalog, left_out)
    return ExportError(
        f"No table is named {pattern} in {'the schema' if len(schemas) == 1 else 'the schemas'} "
        f"{', '.join(schemas)}",
        operation="export",
        key=name,
        hint="Correct its name in supakeep.toml (tables of [backup]), or create it. "
        "A view is not a table.",
    )


def _excluded_objection(table: Table, policy: TablePolicy) -> ExportError | None:
    in_key = sorted(set(policy.excluded).intersection(table.primary_key))
    if not in_key:
        return None
    return ExportError(
        f"Column {in_key[0]} is in the primary key of {table.qualified_name}, so it cannot be left out",
        operation="export",
        key=table.qualified_name,
        hint="Remove it from exclude_columns in supakeep.toml: a restore finds rows by their key.",
    )


def _column_objection(table: Table, policy: TablePolicy) -> ExportError | None:
    missing = {*policy.columns, *policy.withheld} - set(table.column_names)
    if missing:
        return ExportError(
            f"Table {table.qualified_name} has no column {min(missing)}, which supakeep.toml names",
            operation="export",
            key=table.qualified_name,
            hint=f"Its columns are: {', '.join(table.column_names)}.",
        )
    types = {column.name: column.type for column in table.columns} | dict(table.base_types)
    if policy.time_column is None or _TIME.fullmatch(types[policy.time_column]):
        return None
    times = [name for name, type_ in types.items() if _TIME.fullmatch(type_)]
    return ExportError(
        f"Column {policy.time_column} of {table.qualified_name} is of type "
        f"{types[policy.time_column]}, so it does not say which rows are of the last days",
        operation="export",
        key=table.qualified_name,
        hint="time_column must be a date or a timestamp. "
        + (f"This table has: {', '.join(times)}." if times else "This table has none."),
    )
