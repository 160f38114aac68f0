"""What a restore is asked for and what it reports."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict

from supakeep.domain.manifest import Manifest, TableEntry
from supakeep.domain.plan import permission_denied
from supakeep.domain.policy import DEFAULT_SCHEMA
from supakeep.domain.row_changes import (
    ChangedRow,
    RefusedRow,
    RestoreMode,
    RowChanges,
    text_of,
    tokens_of,
)
from supakeep.domain.schema import Catalog, Table, parents_first
from supakeep.errors import InvalidRequestError, RestoreError, UnsafeOperationError


class RestoreRequest(BaseModel):
    """`name` is a backup's name or `latest`; `confirm` repeats the ref of the project written to.

    No tables means all. A backup of another project is refused without `allow_other_project`.
    `read_from` names the copy to read; without it, the first that is in order. `where` chooses rows
    by the text of their columns' values, in every table that is restored.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    confirm: str | None = None
    tables: tuple[str, ...] = ()
    dry_run: bool = False
    allow_other_project: bool = False
    read_from: Literal["primary", "mirror"] | None = None
    mode: RestoreMode = RestoreMode.MERGE
    where: dict[str, str] = {}


class RestoredTable(BaseModel):
    """What became of one table. In a dry run the counts say what would happen.

    `rows_in_database` is counted after the last write: the backup's rows and all others there.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    rows_in_backup: int
    inserted: int = 0
    updated: int = 0
    deleted: int = 0
    unchanged: int = 0
    refused: int = 0
    refused_rows: tuple[RefusedRow, ...] = ()
    samples: tuple[ChangedRow, ...] = ()
    rows_chosen: int | None = None
    rows_in_database: int | None = None

    @property
    def written(self) -> int:
        return self.inserted + self.updated

    @classmethod
    def of(cls, entry: TableEntry, changes: RowChanges, *, chosen: int) -> Self:
        """`chosen` is how many of the backup's rows were asked for."""
        return cls(
            name=entry.name,
            rows_in_backup=entry.rows,
            rows_chosen=chosen,
            inserted=changes.inserted,
            updated=changes.updated,
            deleted=changes.deleted,
            unchanged=changes.unchanged,
            refused=changes.refused,
            refused_rows=tuple(changes.refused_rows),
            samples=tuple(changes.samples),
        )


class RestoreReport(BaseModel):
    """What a restore did, table by table in the order of writing."""

    model_config = ConfigDict(frozen=True)

    backup: str
    project: str
    mode: RestoreMode = RestoreMode.MERGE
    dry_run: bool
    read_from: str
    tables: tuple[RestoredTable, ...]
    warnings: tuple[str, ...] = ()

    @property
    def is_whole(self) -> bool:
        return not any(table.refused for table in self.tables)


def check_confirmation(request: RestoreRequest, manifest: Manifest, project: str) -> None:
    """Raises UnsafeOperationError unless the caller means this project, and this backup for it."""
    if manifest.project != project and not request.allow_other_project:
        raise UnsafeOperationError(
            f"{manifest.backup} is a backup of project {manifest.project}, not of {project}",
            operation="restore",
            key=manifest.backup,
            hint="If that is meant, allow it: allow_other_project (API), --allow-other-project.",
        )
    if not request.dry_run and request.confirm != project:
        raise UnsafeOperationError(
            f"A restore overwrites live data of project {project} and must be confirmed",
            operation="restore",
            key=manifest.backup,
            hint=f'Repeat the project ref: "confirm": "{project}" (API) or --confirm {project}; '
            "a dry run needs no confirmation.",
        )


def matches(row: bytes, where: Mapping[str, str]) -> bool:
    """Whether a row's columns have these values, as text."""
    if not where:
        return True
    tokens = tokens_of(row)
    return all(name in tokens and text_of(tokens[name]) == value for name, value in where.items())


def plan_restore(manifest: Manifest, request: RestoreRequest, catalog: Catalog) -> list[TableEntry]:
    """The tables to restore, parents before children.

    Raises InvalidRequestError for a table that the backup does not have, RestoreError for one that
    is incomplete there or does not fit the database; nothing is written then.
    """
    entries = chosen_entries(manifest, request.tables)
    for entry in entries:
        _check_fits(entry, catalog.tables.get(entry.name), request)
    by_name = {entry.name: entry for entry in entries}
    order = parents_first(_all_references(entries, catalog))
    return [by_name[name] for name in order]


def _all_references(entries: Iterable[TableEntry], catalog: Catalog) -> Mapping[str, set[str]]:
    # the keys of today count, and those of the backup's day do no harm
    return {
        entry.name: {*entry.references, *catalog.tables[entry.name].references} for entry in entries
    }


def chosen_entries(manifest: Manifest, tables: Iterable[str]) -> list[TableEntry]:
    """The tables that were asked for by name, or all that are complete. Errors as in plan_restore."""
    tables = tuple(tables)
    if not tables:
        return [entry for entry in manifest.tables if entry.status == "complete"]
    names = [name if "." in name else f"{DEFAULT_SCHEMA}.{name}" for name in tables]
    entries = []
    for name in dict.fromkeys(names):
        entry = manifest.entry(name)
        if entry is None:
            raise InvalidRequestError(
                f"{manifest.backup} has no table {name}",
                operation="restore",
                key=name,
                hint=f"It has: {', '.join(entry.name for entry in manifest.tables)}.",
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


def _check_replaceable(entry: TableEntry, request: RestoreRequest) -> None:
    if entry.policy.is_whole and not request.where:
        return
    raise UnsafeOperationError(
        f"The mode replace would delete rows of {entry.name} that were never backed up",
        operation="restore",
        key=entry.name,
        hint="It is for tables that were backed up whole, all rows of them; use the mode merge.",
    )


def _check_fits(entry: TableEntry, live: Table | None, request: RestoreRequest) -> None:
    if live is None:
        raise RestoreError(
            f"Table {entry.name} does not exist in the database",
            operation="restore",
            key=entry.name,
            hint="Run your project's migrations first, or leave the table out (tables, --table).",
        )
    if not live.readable:
        raise permission_denied(live.schema_name, live.name, writing=True)
    if not live.primary_key and request.mode is not RestoreMode.REPLACE:
        raise RestoreError(
            f"Table {entry.name} has no primary key, so its rows cannot be matched",
            operation="restore",
            key=entry.name,
            hint="Use the mode replace, add its primary key back, or leave the table out.",
        )
    if request.mode is RestoreMode.REPLACE:
        _check_replaceable(entry, request)
    unknown = sorted(set(request.where) - {column.name for column in entry.columns})
    if unknown:
        raise InvalidRequestError(
            f"Table {entry.name} has no column {unknown[0]} to choose rows by",
            operation="restore",
            key=entry.name,
            hint="Name the tables that have it (--table).",
        )
    backed_up = {column.name for column in entry.columns if not column.generated}
    missing = sorted(backed_up - set(live.column_names))
    if missing:
        raise RestoreError(
            f"Column {missing[0]} of {entry.name} is in the backup and not in the database",
            operation="restore",
            key=entry.name,
            hint="Add the column back for the restore, or leave the table out.",
        )
