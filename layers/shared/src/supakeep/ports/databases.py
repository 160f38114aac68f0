"""Databases that are backed up and restored."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from supakeep.domain.engine import Engine
from supakeep.domain.plan import Selection, TableFilter
from supakeep.domain.project_object import ProjectObject
from supakeep.domain.row_changes import RestoreMode, RowChanges
from supakeep.domain.schema import Catalog, Table


@dataclass(frozen=True)
class Rows:
    """Rows as Postgres's own JSON text, UTF-8, with a comma and a line break between two of them:
    the bytes of a document's part.
    """

    lines: bytes
    count: int


class SourceDatabase(Protocol):
    """A database that is read; `engine` is what can be done with it.

    Raises DatabasePermissionError where the role may not read, DatabaseUnavailableError where the
    database does not answer, FunctionsMissingError where it is not prepared.
    """

    @property
    def engine(self) -> Engine: ...

    def snapshot(self, selects: TableFilter = ...) -> AbstractContextManager[Snapshot]:
        """Opens the database for one backup of the tables that `selects` wants, by default all.

        Where the engine's consistency is `snapshot`, these are kept from being truncated, rewritten
        and dropped until the end.
        """
        ...


class Snapshot(Protocol):
    """A database as one backup sees it: of one moment where the engine's consistency is `snapshot`.

    `wal_position` is where the write-ahead log stood at that moment, None where it is not known.
    """

    @property
    def wal_position(self) -> str | None: ...

    def left_out(self, schemas: Sequence[str]) -> Mapping[str, str]:
        """Relations of these schemas that no backup holds, such as views, and why."""
        ...

    def catalog(self) -> Catalog:
        """Every ordinary and partitioned table outside the system's schemas, readable or not."""
        ...

    def definitions(self) -> Generator[bytes, None, None]:
        """SQL that makes everything but the rows, without what Supabase manages itself. Raises
        ExportError where it cannot be had; the rows still can.
        """
        ...

    def inventory(self) -> Sequence[ProjectObject]:
        """What the project is made of, as far as it can be seen from here. Raises DatabaseError where it
        cannot be listed; the rest still can be read.
        """
        ...

    def export(self, selection: Selection) -> Iterator[Rows]:
        """The selected rows in portions of bounded size. Every row that existed before the call and
        after the last portion is there exactly once, in the order of the primary key, whatever
        the policy; the end means that there are no more.
        """
        ...

    def count(self, selection: Selection) -> int:
        """How many rows the selection has now; without an export before, for the last N rows as many
        as the table has.
        """
        ...

    def count_untouched(self, selection: Selection) -> int:
        """How many of these rows are as they were when their export began, and so are in it. It may
        be less than that, never more.
        """
        ...

    def read_at_once(self, selection: Selection) -> bool:
        """Whether its export, which is over, read all rows as they were at one moment."""
        ...


@dataclass(frozen=True)
class ForeignKeyViolation:
    """Rows of `table` whose parent in `parent` is missing; `example` is one such key."""

    constraint: str
    table: str
    parent: str
    rows: int
    example: str


class TableWriter(Protocol):
    """Takes the rows of one table, batch by batch, and counts what becomes of them.

    Raises ConstraintViolationError where a row cannot be held and the transaction is atomic.
    """

    changes: RowChanges

    def write(self, rows: Sequence[bytes]) -> None:
        """Rows as JSON text. One that is the same already is not written; a dry run writes none.

        They may be written, counted or refused with a later batch, or at the end.
        """
        ...

    def finish(self) -> bool:
        """Ends a pass over the rows; True asks for another one, from the first row on."""
        ...


class TargetTransaction(Protocol):
    """One restore. `notices` are sentences that the caller gets before the first write."""

    @property
    def notices(self) -> Sequence[str]: ...

    def catalog(self) -> Catalog: ...

    def writer(self, table: Table, backed_up: Table, mode: RestoreMode) -> TableWriter:
        """A writer of rows of `backed_up` into `table`; they come in the order of its key there.
        `mode` is one of the engine's.
        """
        ...

    def advance_sequences(self, table: Table) -> Sequence[str]:
        """Moves the table's sequences past the highest values that were written, never back; returns
        those that are moved, now or when the transaction ends.
        """
        ...

    def count_table(self, table: Table) -> int: ...


@runtime_checkable
class AtomicTransaction(TargetTransaction, Protocol):
    """The restore of an engine that is `atomic`: it locks first, and can check all of it before the
    end.
    """

    def check(self, tables: Sequence[Table], mode: RestoreMode) -> Sequence[str]:
        """Raises RestoreError where these tables cannot be restored in this mode by this role without
        harm to others; returns what the caller should know before the first write.
        """
        ...

    def deletion(self, table: Table, backed_up: Table) -> TableWriter | None:
        """After all tables are written in the mode replace: what deletes the rows that the backup
        does not have, given the rows once more; None where the table's writer has deleted them.
        """
        ...

    def lock(self, tables: Sequence[Table]) -> None:
        """Keeps others from writing these tables until the end."""
        ...

    def foreign_key_violations(
        self, written: Sequence[Table], catalog: Catalog, *, deleted: bool
    ) -> Sequence[ForeignKeyViolation]:
        """What the written tables, and those that refer to values which may be gone, violate now;
        with `deleted`, rows of the written tables may be.
        """
        ...


@runtime_checkable
class BatchwiseTransaction(TargetTransaction, Protocol):
    """The restore of an engine that is not `atomic`: each batch is kept, and triggers fire."""

    def comparison(self, table: Table, backed_up: Table) -> TableWriter | None:
        """After all tables are written: what counts as altered, given the rows once more, those that
        are missing or differ; None where nothing else can have written the table.
        """
        ...


class TargetDatabase(Protocol):
    """A database that is written. Errors as in SourceDatabase."""

    @property
    def engine(self) -> Engine: ...

    def transaction(self, *, dry_run: bool) -> AbstractContextManager[TargetTransaction]:
        """Opens the database for one restore: an AtomicTransaction where the engine is `atomic`,
        which after an error keeps nothing. Any other keeps each batch that it wrote.
        """
        ...


class Database(SourceDatabase, TargetDatabase, Protocol):
    """A database that is backed up and restored."""
