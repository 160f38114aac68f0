"""What a restore is asked for and what it reports."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from supakeep.domain.manifest import TableEntry
from supakeep.domain.manifest_parts import Problem
from supakeep.domain.restored_files import RestoredFiles
from supakeep.domain.row_changes import (
    ChangedRow,
    RefusedRow,
    RestoreMode,
    RowChanges,
    WholeRow,
    text_of,
    tokens_of,
)
from supakeep.domain.users import EVERY_USER


class RestoreRequest(BaseModel):
    """`name` is a backup's name or `latest`; `confirm` repeats the ref of the project written to.

    `tables` is None for all of them; `where` is None for all rows. An empty one is refused, since it
    says nothing about which were meant. `where` chooses rows by the text of their columns' values,
    in every table that is restored. A backup of another project is refused without
    `allow_other_project`. `read_from` names the copy to read; without it, the first that is in
    order. `into_schema` writes into tables of the same names in another schema.
    `ignore_dropped_columns` restores what is left of a table. `keep_undo` backs the tables up
    first, where the engine can bring that state back. `allow_unsigned` takes a backup without a
    signature, where a signature is required.
    `users` asks for the users, which are written on demand only: `all`, or who is meant by ID or e-mail.
    Without `tables`, nothing else is restored then.
    `files` asks for files of Storage (FileChoice), and for nothing else.
    `passed_over` is what was found out when `latest` became a name; the report repeats it.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    confirm: str | None = None
    tables: tuple[str, ...] | None = None
    dry_run: bool = False
    allow_other_project: bool = False
    read_from: str | None = None
    mode: RestoreMode = RestoreMode.MERGE
    where: dict[str, str] | None = None
    into_schema: str | None = None
    ignore_dropped_columns: bool = False
    keep_undo: bool = True
    users: tuple[str, ...] | None = None
    # for the command line only, as is the next one
    files: tuple[str, ...] | None = Field(default=None, exclude=True)
    # not for the API: the admin key and the key of the store are not enough to plant rows
    allow_unsigned: bool = Field(default=False, exclude=True)
    passed_over: tuple[str, ...] = ()

    @property
    def some_users(self) -> tuple[str, ...]:
        """Who is meant, where not all users are."""
        return () if EVERY_USER in (self.users or ()) else self.users or ()


class RestoredTable(BaseModel):
    """What became of one table. In a dry run the counts say what would happen.

    `updated_rows` are the first five of these at the most; so are, in a dry run only, `inserted_rows`
    and `deleted_rows`.
    `rows_in_database` is counted after the last write: the backup's rows and all others there.
    `rows_at_least` is how many must be there then, None where that is not known. `altered` of the
    rows written are not as the backup has them: a trigger of the table changed or kept their values. `kept`
    counts by column the rows that keep a value of their own, since the database generates it.
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
    altered: int = 0
    altered_rows: tuple[ChangedRow, ...] = ()
    inserted_rows: tuple[WholeRow, ...] = ()
    updated_rows: tuple[ChangedRow, ...] = ()
    deleted_rows: tuple[WholeRow, ...] = ()
    rows_chosen: int | None = None
    rows_in_database: int | None = None
    rows_at_least: int | None = Field(default=None, exclude=True)
    kept: dict[str, int] = Field(default={}, exclude=True)

    @property
    def written(self) -> int:
        return self.inserted + self.updated

    def with_rows(self, most: int) -> Self:
        """With so many of the rows of each kind that are shown."""
        return self.model_copy(
            update={
                "inserted_rows": self.inserted_rows[:most],
                "updated_rows": self.updated_rows[:most],
                "deleted_rows": self.deleted_rows[:most],
            }
        )

    def without_rows(self) -> Self:
        """Only the counts: no value of any row."""
        none: dict[str, tuple[()]] = {"refused_rows": (), "altered_rows": ()}
        return self.with_rows(0).model_copy(update=none)

    def as_recorded(self) -> Self:
        """Without the values that the database quotes where it says why it refused a row."""
        refused = tuple(row.as_recorded() for row in self.refused_rows)
        return self.model_copy(update={"refused_rows": refused})

    def compared(self, again: RowChanges) -> Self:
        """With the rows that are found altered when they are looked at `again`, and examples of them."""
        altered = max(self.altered, again.altered)
        examples = tuple(again.altered_rows) or self.altered_rows
        return self.model_copy(update={"altered": altered, "altered_rows": examples})

    def with_deleted(self, changes: RowChanges) -> Self:
        """With the rows that were deleted after all tables were written."""
        deleted = self.deleted + changes.deleted
        rows = (*self.deleted_rows, *changes.deleted_rows)
        return self.model_copy(update={"deleted": deleted, "deleted_rows": rows})

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
            altered=changes.altered,
            altered_rows=tuple(changes.altered_rows),
            inserted_rows=tuple(changes.inserted_rows),
            updated_rows=tuple(changes.updated_rows),
            deleted_rows=tuple(changes.deleted_rows),
            kept=dict(changes.kept),
            rows_at_least=changes.inserted if changes.was_empty else None,
        )


class RestoreReport(BaseModel):
    """What a restore did, table by table in the order of writing.

    `undo_backup` holds the tables as they were before; `supakeep undo` restores it, with the private key
    of one of `undo_recipients` where there are any. `passed_over` are
    newer backups that `latest` could not take, and why. `left_out` are tables of the backup that neither
    the policy nor the request names. `objections`, of a dry run, say which of the chosen tables could not be
    compared, and why: the restore itself is refused until they are left out or fixed. `found_nothing` is
    whether rows were chosen
    by value and no row has that value. `files` is None where none were asked for.
    """

    model_config = ConfigDict(frozen=True)

    backup: str
    project: str
    mode: RestoreMode = RestoreMode.MERGE
    into_schema: str | None = None
    dry_run: bool
    undo_backup: str | None = None
    undo_recipients: tuple[str, ...] = ()
    read_from: str
    tables: tuple[RestoredTable, ...] = ()
    files: RestoredFiles | None = None
    passed_over: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    objections: tuple[Problem, ...] = ()
    found_nothing: bool = False
    warnings: tuple[str, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Whether all that the backup could give is in the database, and `latest` was the newest."""
        differs = any(table.refused or table.altered for table in self.tables)
        missing = self.passed_over or self.left_out or self.objections or self.found_nothing
        of_files = self.files is None or self.files.is_whole
        return of_files and not (missing or differs)

    @property
    def problems(self) -> tuple[Problem, ...]:
        """None: what kept rows out is reported with the tables and in the warnings."""
        return ()

    def with_rows(self, most: int) -> Self:
        """With so many of the rows of each table and kind that are shown."""
        return self.model_copy(update={"tables": tuple(t.with_rows(most) for t in self.tables)})

    def without_rows(self) -> Self:
        """Only the counts: no value of any row."""
        return self.model_copy(update={"tables": tuple(t.without_rows() for t in self.tables)})

    def as_recorded(self) -> Self:
        """A dry run shows rows, and its record is the answer to whoever asked for it; no other one is."""
        if self.dry_run:
            return self
        return self.model_copy(update={"tables": tuple(t.as_recorded() for t in self.tables)})

    def without_details(self) -> Self:
        return self.model_copy(update={"tables": (), "warnings": ()})


def matches(row: bytes, where: Mapping[str, str]) -> bool:
    """Whether a row's columns have these values, as text."""
    tokens = tokens_of(row)
    return all(name in tokens and text_of(tokens[name]) == value for name, value in where.items())
