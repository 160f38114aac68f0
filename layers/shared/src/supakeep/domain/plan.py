"""From a policy and a catalog to the tables of one backup."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from supakeep.domain.engine import Engine
from supakeep.domain.policy import BackupPolicy, TablePolicy
from supakeep.domain.schema import Catalog, Table, parents_first, quoted_identifier
from supakeep.errors import DatabasePermissionError, ExportError, SupakeepError

TableFilter = Callable[[str, str], bool]
"""Whether a table, by its schema and its name, is wanted."""


def every_table(schema: str, table: str) -> bool:  # noqa: ARG001
    """Wants every table."""
    return True


@dataclass(frozen=True)
class Selection:
    """The rows of one table that go into a backup; `since` is the start of a last-days window."""

    table: Table
    policy: TablePolicy
    since: dt.datetime | None = None


@dataclass(frozen=True)
class RefusedTable:
    """A table that the policy names and that cannot be exported, with the reason."""

    name: str
    policy: TablePolicy
    error: SupakeepError


@dataclass(frozen=True)
class BackupPlan:
    """`selections` stand children first, so that a row written meanwhile never leaves a child
    in the backup without its parent. `uncovered` are tables that the policy passes over.
    """

    selections: tuple[Selection, ...]
    refused: tuple[RefusedTable, ...]
    uncovered: tuple[str, ...]


def selects(policy: BackupPolicy, schema: str, table: str) -> bool:
    """Whether the policy takes this table, by a pattern or by its name."""
    names = {entry.qualified_name for entry in policy.table}
    return policy.backup.includes(schema, table) or f"{schema}.{table}" in names


def plan_backup(
    policy: BackupPolicy, catalog: Catalog, started_at: dt.datetime, engine: Engine
) -> BackupPlan:
    """Decides what a backup that `engine` starts at `started_at` holds."""
    wanted = dict(_wanted(policy, catalog))
    refused = [
        RefusedTable(name, table_policy, error)
        for name, table_policy in wanted.items()
        if (error := _objection(name, table_policy, catalog, engine))
    ]
    objected = {entry.name for entry in refused}
    accepted = {name: catalog.tables[name] for name in wanted if name not in objected}
    order = parents_first({name: table.references for name, table in accepted.items()})
    return BackupPlan(
        selections=tuple(
            Selection(accepted[name], wanted[name], _since(wanted[name], started_at))
            for name in reversed(order)
        ),
        refused=tuple(refused),
        uncovered=tuple(sorted(_uncovered(policy, catalog, set(wanted)))),
    )


def _wanted(policy: BackupPolicy, catalog: Catalog) -> Iterator[tuple[str, TablePolicy]]:
    for name, table in catalog.tables.items():
        if policy.backup.includes(table.schema_name, table.name):
            yield name, TablePolicy()
    for entry in policy.table:
        yield entry.qualified_name, entry.policy


def _uncovered(policy: BackupPolicy, catalog: Catalog, wanted: set[str]) -> Iterator[str]:
    schemas = {
        *policy.backup.schemas,
        *(entry.qualified_name.split(".")[0] for entry in policy.table),
    }
    for name, table in catalog.tables.items():
        excluded = policy.backup.excludes(table.name, name)
        if table.schema_name in schemas and name not in wanted and not excluded:
            yield name


def _since(policy: TablePolicy, started_at: dt.datetime) -> dt.datetime | None:
    return started_at - dt.timedelta(days=policy.last_days) if policy.last_days else None


def _objection(
    name: str, policy: TablePolicy, catalog: Catalog, engine: Engine
) -> SupakeepError | None:
    table = catalog.tables.get(name)
    if table is None:
        return ExportError(
            f"Table {name} does not exist",
            operation="export",
            key=name,
            hint="Correct its name in supakeep.toml, or create it.",
        )
    if not table.readable:
        return permission_denied(table.schema_name, table.name)
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
    missing = set(policy.columns) - set(table.column_names)
    return _no_column(table, min(missing)) if missing else None


def _no_column(table: Table, column: str) -> ExportError:
    return ExportError(
        f"Table {table.qualified_name} has no column {column}, which supakeep.toml names",
        operation="export",
        key=table.qualified_name,
        hint=f"Its columns are: {', '.join(table.column_names)}.",
    )


def permission_denied(schema: str, table: str, *, writing: bool = False) -> DatabasePermissionError:
    """The guide's error for a table that the role may not use, with the GRANT that mends it."""
    rights = "SELECT, INSERT, UPDATE" if writing else "SELECT"
    quoted_schema, quoted_table = quoted_identifier(schema), quoted_identifier(table)
    return DatabasePermissionError(
        f"Permission denied for table {schema}.{table}",
        operation="restore" if writing else "export",
        key=f"{schema}.{table}",
        hint=f"Run in the SQL editor: GRANT USAGE ON SCHEMA {quoted_schema} TO service_role; "
        f"GRANT {rights} ON {quoted_schema}.{quoted_table} TO service_role; "
        "New tables get no grants by themselves since October 2026.",
    )
