"""Decides, before anything is written, what a restore writes where, or why it may not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from supakeep.domain.backup_name import LATEST
from supakeep.domain.engine import Engine
from supakeep.domain.manifest import Manifest, TableEntry
from supakeep.domain.objections import permission_denied
from supakeep.domain.restore import RestoreRequest
from supakeep.domain.row_changes import RestoreMode
from supakeep.domain.schema import Catalog, Table, parents_first
from supakeep.errors import (
    InvalidRequestError,
    RestoreError,
    SupakeepError,
    UnsafeOperationError,
)


@dataclass(frozen=True)
class TableRestore:
    """One table of the backup and the live one that takes its rows. `notes` say how the two differ
    and what a restore does about it.
    """

    entry: TableEntry
    live: Table
    notes: tuple[str, ...]


@dataclass(frozen=True)
class RestorePlan:
    """The tables to restore, parents before children. `objections` say why a dry run compared others of
    the chosen tables with nothing: with them, the restore itself is refused.
    """

    tables: tuple[TableRestore, ...]
    objections: tuple[SupakeepError, ...] = ()


def check_confirmation(
    request: RestoreRequest, manifest: Manifest, project: str, destination: str | None = None
) -> None:
    """Raises UnsafeOperationError unless the caller means this project, and this backup for it.

    `destination` is the database itself (`<host>/<database>`) where its address does not show that
    it is the project's: then that must be confirmed.
    """
    if manifest.project != project and not request.allow_other_project:
        raise UnsafeOperationError(
            f"{manifest.backup} is a backup of project {manifest.project}, not of {project}",
            operation="restore",
            key=manifest.backup,
            hint="If that is meant, allow it: allow_other_project (API), --allow-other-project.",
        )
    target = destination or project
    if request.into_schema:
        target = f"{target}/{request.into_schema}"
    if not request.dry_run and request.confirm != target:
        kind = "database" if destination not in (None, project) else "project"
        raise _unconfirmed(request, manifest, kind, target)


def _unconfirmed(
    request: RestoreRequest, manifest: Manifest, kind: str, target: str
) -> UnsafeOperationError:
    message = f"A restore overwrites live data of {kind} {target} and must be confirmed"
    if request.confirm:
        message = f"You confirmed {request.confirm[:200]}; this writes to {target}"
    return UnsafeOperationError(
        message,
        operation="restore",
        key=manifest.backup,
        hint=f'Confirm with "confirm": "{target}" (API) or --confirm {target}; '
        "a dry run needs no confirmation.",
    )


def check_mode(request: RestoreRequest, engine: Engine) -> None:
    """Raises InvalidRequestError for a mode, or for users, that the engine does not have."""
    if request.users is not None and not engine.sees_users:
        raise InvalidRequestError(
            "Users need a connection to the database itself",
            operation="restore",
            key="SUPABASE_DB_URL",
            hint="Set SUPABASE_DB_URL (the session pooler's address), or leave the users out.",
        )
    if request.mode not in engine.modes:
        raise InvalidRequestError(
            f"The mode {request.mode} needs a connection to the database itself",
            operation="restore",
            key="SUPABASE_DB_URL",
            hint="Set SUPABASE_DB_URL (the session pooler's address), or use the mode merge.",
        )


def check_unsigned(request: RestoreRequest) -> None:
    """Raises UnsafeOperationError where nobody says which unsigned backup is meant."""
    if request.allow_unsigned and request.name == LATEST:
        raise UnsafeOperationError(
            "An unsigned backup is never the latest: somebody else may have written it",
            operation="restore",
            key=LATEST,
            hint="Give the backup's name with --allow-unsigned, once you know where it comes from.",
        )


def check_undo(kept: Manifest, tables: Iterable[Table]) -> list[str]:
    """Raises RestoreError unless `kept`, made before the first write, holds all of these tables.

    Returns warnings for the report: an undo is complete although its mirror failed.
    """
    for table in tables:
        entry = kept.entry(table.qualified_name)
        if entry is None or entry.status != "complete":
            why = entry.error.message if entry and entry.error else "it is not in that backup"
            raise RestoreError(
                f"Nothing was written, because {table.qualified_name} could not be kept for an "
                f"undo: {why}",
                operation="restore",
                key=table.qualified_name,
                hint="Fix that and restore again, or restore without an undo "
                "(--no-undo, keep_undo: false).",
            )
    withheld = [f"{e.name}.{column}" for e in kept.tables for column in e.policy.withheld]
    return [
        *(f"{kept.backup}: {problem.message}" for problem in kept.copy_problems.values()),
        *(f"The undo copy does not hold {name} (exclude_columns, mask)" for name in withheld),
    ]


def plan_restore(
    entries: Iterable[TableEntry], request: RestoreRequest, catalog: Catalog
) -> RestorePlan:
    """Decides which live table takes the rows of each entry.

    Raises the error that names every table that does not fit the database; nothing is written then. A
    dry run goes on with those that fit, where there are any.
    """
    planned: dict[str, TableRestore] = {}
    objections: list[SupakeepError] = []
    for entry in entries:
        try:
            restore = _fitted(entry, request, catalog)
        except SupakeepError as exc:
            objections.append(exc)
        else:
            planned[restore.live.qualified_name] = restore
    if objections and not (request.dry_run and planned):
        raise _refusal(objections)
    order = parents_first({name: _parents(restore) for name, restore in planned.items()})
    return RestorePlan(tuple(planned[name] for name in order), tuple(objections))


def _fitted(entry: TableEntry, request: RestoreRequest, catalog: Catalog) -> TableRestore:
    """Raises RestoreError or DatabasePermissionError where the rows cannot be written to a live table."""
    live = _live_table(entry, request, catalog)
    if request.mode is not RestoreMode.REPLACE and not live.primary_key:
        raise _keyless(live)
    if not (live.readable and live.writable):
        raise permission_denied(live.schema_name, live.name, writing=True, role=catalog.role)
    _check_dropped_columns(entry, live, request)
    return TableRestore(entry, live, tuple(_drift(entry, live)))


def _refusal(objections: Sequence[SupakeepError]) -> SupakeepError:
    """Names them all at once: who fixes one should not find the next by another run."""
    first, *others = objections
    if not others:
        return first
    messages = "; ".join(objection.message for objection in objections)
    kinds = {type(objection) for objection in objections}
    kind = kinds.pop() if len(kinds) == 1 else RestoreError
    return kind(
        f"{len(objections)} tables cannot be restored: {messages}",
        operation="restore",
        key=first.key,
        hint=" ".join(dict.fromkeys(objection.hint for objection in objections if objection.hint)),
    )


def _parents(restore: TableRestore) -> set[str]:
    # the keys of today count, and those of the backup's day do no harm
    return {*restore.entry.references, *restore.live.references}


def _live_table(entry: TableEntry, request: RestoreRequest, catalog: Catalog) -> Table:
    backed_up = entry.table
    schema = request.into_schema or backed_up.schema_name
    live = catalog.find(schema, backed_up.name)
    if live is None:
        raise RestoreError(
            f"Table {schema}.{backed_up.name} does not exist in the database",
            operation="restore",
            key=entry.name,
            hint="Run your project's migrations first, or leave the table out (tables, --table).",
        )
    return live


def _keyless(table: Table) -> RestoreError:
    return RestoreError(
        f"Table {table.qualified_name} has no primary key, so its rows cannot be matched",
        operation="restore",
        key=table.qualified_name,
        hint="Add the primary key back, leave the table out (name the others: tables, --table), or use "
        "the mode replace, which needs SUPABASE_DB_URL.",
    )


def _check_dropped_columns(entry: TableEntry, live: Table, request: RestoreRequest) -> None:
    missing = _dropped(entry, live)
    if missing and not request.ignore_dropped_columns:
        raise RestoreError(
            f"Column {missing[0]} of {entry.name} is in the backup and not in the database",
            operation="restore",
            key=entry.name,
            hint="Add the column back for the restore, leave the table out, or leave its values out "
            "(--ignore-dropped-columns).",
        )


def _dropped(entry: TableEntry, live: Table) -> list[str]:
    backed_up = {column.name for column in entry.columns if not column.generated}
    return sorted(backed_up - set(live.column_names))


def _drift(entry: TableEntry, live: Table) -> Iterator[str]:
    """What changed in the table since the backup, and what a restore makes of it."""
    before = {column.name: column for column in entry.columns}
    kept = (
        "inserted rows get its default, others keep their value"
        if live.primary_key
        # without a key, no row of the backup can be matched with one that is there
        else "the table is emptied and filled again, so every row gets its default and the values there are lost"
    )
    for name in _dropped(entry, live):
        yield f"{live.qualified_name}.{name} was dropped after the backup: its values are left out"
    for column in live.columns:
        old = before.get(column.name)
        if column.name in entry.policy.excluded:
            yield (
                f"{live.qualified_name}.{column.name} is not in the backup (exclude_columns): {kept}"
            )
        elif column.name in entry.policy.masked:
            yield (
                f"{live.qualified_name}.{column.name} is masked in the backup, and no mask is restored: {kept}"
            )
        elif old is None and not column.generated:
            yield (f"{live.qualified_name}.{column.name} was added after the backup: {kept}")
        elif old is not None and old.type != column.type:
            yield (
                f"{live.qualified_name}.{column.name} was {old.type} and is {column.type} now: "
                "values are converted, and one that cannot be stops the restore"
            )
        if old is not None and old.nullable and not column.nullable:
            yield (
                f"{live.qualified_name}.{column.name} must have a value now: "
                "a row without one stops the restore"
            )
