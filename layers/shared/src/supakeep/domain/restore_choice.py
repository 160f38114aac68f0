"""Decides which tables of a backup a restore takes, from the manifest and the policy alone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from supakeep.domain.manifest import Manifest, TableEntry, TableStatus
from supakeep.domain.nearest_name import nearest_name
from supakeep.domain.plan import selects
from supakeep.domain.policy import DEFAULT_SCHEMA, BackupPolicy
from supakeep.domain.restore import RestoreRequest
from supakeep.domain.row_changes import RestoreMode
from supakeep.domain.users import USERS, holds_users, owner_column
from supakeep.errors import InvalidRequestError, RestoreError, UnsafeOperationError


@dataclass(frozen=True)
class TableChoice:
    """The tables that a restore takes. `left_out` are whole in the backup, and neither the policy nor the
    caller names them. `users` are the tables of users, which nobody asked for.
    """

    entries: tuple[TableEntry, ...]
    left_out: tuple[str, ...] = ()
    users: tuple[str, ...] = ()


def choose_tables(manifest: Manifest, request: RestoreRequest, policy: BackupPolicy) -> TableChoice:
    """The tables to restore, after everything that can be refused without the database.

    Raises InvalidRequestError for a choice that is empty or names what the backup does not have,
    RestoreError for a table that is incomplete there, and UnsafeOperationError where neither the policy
    nor the caller names a table, or for a replace that would delete what was never backed up.
    """
    if request.where is not None and not request.where:
        raise InvalidRequestError(
            "No column and value was given to choose rows by",
            operation="restore",
            key=manifest.backup,
            hint="Give at least one column with its value, or leave out the choice (where).",
        )
    choice = _choice(manifest, request, policy)
    for entry in choice.entries:
        _check_replace(entry, request)
        _check_where(entry, request)
    return choice


def _choice(manifest: Manifest, request: RestoreRequest, policy: BackupPolicy) -> TableChoice:
    if request.tables is None and request.users is None:
        return _of_policy(manifest, policy)
    named = [] if request.tables is None else _named(manifest, request.tables)
    users = [] if request.users is None else _users(manifest, request)
    return TableChoice((*named, *(entry for entry in users if entry not in named)))


def _users(manifest: Manifest, request: RestoreRequest) -> list[TableEntry]:
    """The tables of users; for some of them, those whose rows say whose they are."""
    whole = (entry for entry in manifest.tables if entry.status is TableStatus.COMPLETE)
    users = [entry for entry in whole if holds_users(entry.table)]
    if not request.users or USERS not in {entry.name for entry in users}:
        raise InvalidRequestError(
            f"{manifest.backup} has no users",
            operation="restore",
            key=manifest.backup,
            hint="Users are backed up with SUPABASE_DB_URL, unless [backup] auth is false. Give `all`, "
            "or an ID or e-mail (--auth, users).",
        )
    return [e for e in users if owner_column(e.table)] if request.some_users else users


def is_of_policy(entry: TableEntry, policy: BackupPolicy) -> bool:
    """Whether a restore takes the table without its name: a backup may hold what nobody backs up here."""
    return selects(policy, entry.table.schema_name, entry.table.name)


def _of_policy(manifest: Manifest, policy: BackupPolicy) -> TableChoice:
    whole = [entry for entry in manifest.tables if entry.status is TableStatus.COMPLETE]
    chosen = tuple(entry for entry in whole if is_of_policy(entry, policy))
    users = tuple(e.name for e in whole if e not in chosen and holds_users(e.table))
    if whole and not chosen:
        names = ", ".join(entry.name for entry in whole)
        raise UnsafeOperationError(
            f"The policy names no table of {manifest.backup}, so none is restored",
            operation="restore",
            key=manifest.backup,
            hint=f"Name those that are meant (--table, tables), or use the supakeep.toml of the backup. "
            f"It has: {names}.",
        )
    others = (e.name for e in whole if e not in chosen and e.name not in users)
    return TableChoice(chosen, tuple(others), users)


def _named(manifest: Manifest, tables: Iterable[str]) -> list[TableEntry]:
    if not (tables := tuple(tables)):
        raise InvalidRequestError(
            "No table was chosen",
            operation="restore",
            key=manifest.backup,
            hint="Name the tables, or leave out the choice to restore all of them.",
        )
    names = [name if "." in name else f"{DEFAULT_SCHEMA}.{name}" for name in tables]
    known = [entry.name for entry in manifest.tables]
    entries = []
    for name in dict.fromkeys(names):
        entry = manifest.entry(name)
        if entry is None:
            raise InvalidRequestError(
                f"{manifest.backup} has no table {name}",
                operation="restore",
                key=name,
                hint=f"{nearest_name(name, known)}It has: {', '.join(known)}.",
            )
        if entry.status != "complete":
            raise RestoreError(
                f"Table {name} is incomplete in {manifest.backup}",
                operation="restore",
                key=name,
                hint="Restore it from another backup, or leave it out.",
            )
        entries.append(entry)
    return entries


def _check_replace(entry: TableEntry, request: RestoreRequest) -> None:
    if request.mode is RestoreMode.REPLACE and (
        not entry.policy.is_whole or request.where or request.some_users
    ):
        raise UnsafeOperationError(
            f"The mode replace would delete rows of {entry.name} that were never backed up",
            operation="restore",
            key=entry.name,
            hint="It is for tables that were backed up whole, all rows; use the mode merge.",
        )


def _check_where(entry: TableEntry, request: RestoreRequest) -> None:
    if request.users and holds_users(entry.table):
        return  # they are chosen by themselves
    unknown = sorted(set(request.where or ()) - {column.name for column in entry.columns})
    if unknown:
        raise InvalidRequestError(
            f"Table {entry.name} has no column {unknown[0]} to choose rows by",
            operation="restore",
            key=entry.name,
            hint="Name the tables that have it (--table).",
        )
