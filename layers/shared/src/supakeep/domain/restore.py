"""What a restore is asked for and what it reports."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict

from supakeep.domain.manifest import TableEntry
from supakeep.domain.row_changes import (
    ChangedRow,
    RefusedRow,
    RestoreMode,
    RowChanges,
    text_of,
    tokens_of,
)


class RestoreRequest(BaseModel):
    """`name` is a backup's name or `latest`; `confirm` repeats the ref of the project written to.

    No tables means all. A backup of another project is refused without `allow_other_project`.
    `read_from` names the copy to read; without it, the first that is in order. `where` chooses rows
    by the text of their columns' values, in every table that is restored. `into_schema` writes into
    tables of the same names in another schema. `ignore_dropped_columns` restores what is left of a
    table. `keep_undo` backs the tables up first, where the engine can bring that state back.
    `passed_over` is what was found out when `latest` became a name; the report repeats it.
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
    into_schema: str | None = None
    ignore_dropped_columns: bool = False
    keep_undo: bool = True
    passed_over: tuple[str, ...] = ()


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
    """What a restore did, table by table in the order of writing.

    `undo_backup` holds the tables as they were before; `supakeep undo` restores it. `passed_over` are
    newer backups that `latest` could not take, and why.
    """

    model_config = ConfigDict(frozen=True)

    backup: str
    project: str
    mode: RestoreMode = RestoreMode.MERGE
    into_schema: str | None = None
    dry_run: bool
    undo_backup: str | None = None
    read_from: str
    tables: tuple[RestoredTable, ...]
    passed_over: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Nothing was refused, and where `latest` was asked for, no newer backup was passed over."""
        return not self.passed_over and not any(table.refused for table in self.tables)


def matches(row: bytes, where: Mapping[str, str]) -> bool:
    """Whether a row's columns have these values, as text."""
    if not where:
        return True
    tokens = tokens_of(row)
    return all(name in tokens and text_of(tokens[name]) == value for name, value in where.items())
