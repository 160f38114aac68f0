"""From a policy and a catalog to the tables of one backup."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from supakeep.domain.engine import Engine
from supakeep.domain.objections import objection, unmatched_names
from supakeep.domain.policy import BackupPolicy, TablePolicy
from supakeep.domain.schema import Catalog, Table, parents_first, quoted_name
from supakeep.domain.users import find_users, is_users_table
from supakeep.errors import SupakeepError

TableFilter = Callable[[str, str], bool]
"""Whether a table, by its schema and its name, is wanted."""


def every_table(schema: str, table: str) -> bool:  # noqa: ARG001
    """Wants every table."""
    return True


@dataclass(frozen=True)
class Selection:
    """The rows of one table that go into a backup; `since` is the start of a last-days window. The
    table has not the columns whose values never leave the database; `recorded` has those only whose
    values the backup holds.
    """

    table: Table
    policy: TablePolicy
    since: dt.datetime | None = None

    @property
    def recorded(self) -> Table:
        return self.table.without(self.policy.withheld)


@dataclass(frozen=True)
class RefusedTable:
    """A table that the policy names and that cannot be exported, with the reason. Of a schema
    without tables the name is `schema.*`.
    """

    name: str
    policy: TablePolicy
    error: SupakeepError


@dataclass(frozen=True)
class BackupPlan:
    """`selections` stand children first, so that a row written meanwhile never leaves a child
    in the backup without its parent. `uncovered` are tables that the policy passes over.
    `users_error` says why users are missing that the policy takes: that alone fails no backup.
    """

    selections: tuple[Selection, ...]
    refused: tuple[RefusedTable, ...]
    uncovered: tuple[str, ...]
    users_error: SupakeepError | None = None


def selects(policy: BackupPolicy, schema: str, table: str) -> bool:
    """Whether the policy takes this table, by a pattern or by its name."""
    names = {entry.qualified_name for entry in policy.table}
    own = {f"{schema}.{table}", quoted_name(schema, table)}
    return policy.backup.includes(schema, table) or not names.isdisjoint(own)


def backs_up(policy: BackupPolicy, engine: Engine, schema: str, table: str) -> bool:
    """Whether a backup by this engine takes this table: as one of the policy, or for its users."""
    users = takes_users(policy, engine) and is_users_table(schema, table)
    return users or selects(policy, schema, table)


def takes_users(policy: BackupPolicy, engine: Engine) -> bool:
    """Whether the users go into a backup by this engine."""
    return policy.backup.auth and engine.sees_users


def plan_backup(
    policy: BackupPolicy,
    catalog: Catalog,
    started_at: dt.datetime,
    engine: Engine,
    left_out: Mapping[str, str],
) -> BackupPlan:
    """Decides what a backup that `engine` starts at `started_at` holds.

    `left_out` are relations that no backup holds, with the reason.
    """
    users = find_users(catalog) if takes_users(policy, engine) else None
    of_users = users.tables if users else ()
    wanted = {name: TablePolicy() for name in of_users} | dict(_wanted(policy, catalog))
    refused = [
        RefusedTable(name, table_policy, error)
        for name, table_policy in wanted.items()
        if (error := objection(name, table_policy, catalog, engine, left_out))
    ]
    objected = {entry.name for entry in refused}
    accepted = {name: catalog.tables[name] for name in wanted if name not in objected}
    refused += [
        RefusedTable(name, TablePolicy(), error)
        for name, error in unmatched_names(policy, catalog, left_out)
        if name not in wanted
    ]
    order = parents_first({name: table.references for name, table in accepted.items()})
    return BackupPlan(
        selections=tuple(
            _selection(accepted[name], wanted[name], started_at) for name in reversed(order)
        ),
        refused=tuple(refused),
        uncovered=tuple(sorted(_uncovered(policy, catalog, set(wanted)))),
        users_error=users.error if users else None,
    )


def named_schemas(policy: BackupPolicy) -> list[str]:
    """Every schema that the policy names, by itself or with a table."""
    named = (entry.qualified_name.split(".")[0] for entry in policy.table)
    return sorted({*policy.backup.schemas, *named})


def _selection(table: Table, policy: TablePolicy, started_at: dt.datetime) -> Selection:
    return Selection(table.without(policy.unread), policy, _since(policy, started_at))


def _wanted(policy: BackupPolicy, catalog: Catalog) -> Iterator[tuple[str, TablePolicy]]:
    for name, table in catalog.tables.items():
        if policy.backup.includes(table.schema_name, table.name):
            yield name, TablePolicy()
    for entry in policy.table:
        yield entry.qualified_name, entry.policy


def _uncovered(policy: BackupPolicy, catalog: Catalog, wanted: set[str]) -> Iterator[str]:
    named = (catalog.tables.get(entry.qualified_name) for entry in policy.table)
    schemas = {*policy.backup.schemas, *(table.schema_name for table in named if table)}
    for name, table in catalog.tables.items():
        excluded = policy.backup.excludes(table.name, f"{table.schema_name}.{table.name}")
        if table.schema_name in schemas and name not in wanted and not excluded:
            yield name


def _since(policy: TablePolicy, started_at: dt.datetime) -> dt.datetime | None:
    return started_at - dt.timedelta(days=policy.last_days) if policy.last_days else None
