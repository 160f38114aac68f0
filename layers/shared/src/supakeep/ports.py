"""What the use cases need from the world. Each port's contract stands in its docstring, and
`tests/contract` runs one suite over every adapter of it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, BinaryIO, Literal, Protocol, runtime_checkable

from supakeep.domain.engine import Engine
from supakeep.domain.plan import Selection, TableFilter
from supakeep.domain.row_changes import RestoreMode, RowChanges
from supakeep.domain.run import Run, RunStatus
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
        """What the written tables, and with `deleted` those that refer to them, violate now."""
        ...


@runtime_checkable
class BatchwiseTransaction(TargetTransaction, Protocol):
    """The restore of an engine that is not `atomic`: each batch is kept, and triggers fire."""

    def comparison(self, table: Table, backed_up: Table) -> TableWriter | None:
        """After all tables are written: what counts, given the rows once more, those that differ, as
        if they were to be written; None where nothing else can have written the table.
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


@dataclass(frozen=True)
class StoredObject:
    """An object in a listing; `modified_at` is aware."""

    key: str
    size_bytes: int
    modified_at: dt.datetime


class ObjectStore(Protocol):
    """Write-once objects under keys with `/`.

    Raises ObjectNotFoundError, BucketNotFoundError, ObjectAlreadyExistsError,
    StoragePermissionError, and StorageUnavailableError where nothing of these is known.
    `name` says which copy this is (`primary`, `mirror`, a folder's path).
    """

    name: str

    def require_private(self) -> None:
        """Asked before a backup. Raises StorageError where the store is known to give its objects to
        those who have no key, BucketNotFoundError where it is known to be missing.
        """
        ...

    def put(self, key: str, content: BinaryIO) -> None:
        """Stores the rest of `content`, all or nothing; an existing key is never overwritten."""
        ...

    def read(self, key: str) -> AbstractContextManager[Iterator[bytes]]:
        """The object's bytes in pieces; closing early is allowed. Cut short, it raises
        StorageUnavailableError and never just ends.
        """
        ...

    def list(self, prefix: str) -> Iterator[StoredObject]:
        """Every object whose key starts with `prefix`, in the order of keys. A missing bucket
        raises BucketNotFoundError: an empty listing means that there is nothing.
        """
        ...

    def delete(self, key: str) -> None:
        """Removes the object. That it is gone already is not an error."""
        ...

    def signed_url(self, key: str, expires_in_seconds: int) -> str:
        """An address that serves the object without a key until it expires. Raises
        InvalidRequestError where the store cannot make one.
        """
        ...


class RunStore(Protocol):
    """Runs, and the lease that keeps two of one project apart.

    A lease has a name and belongs to a run's ID: asking again under the same ID renews it. An
    expired lease is free.
    """

    def create(self, run: Run) -> bool:
        """Stores a new run; False, and nothing stored, where its ID is taken."""
        ...

    def save(self, run: Run) -> None: ...

    def replace(self, run: Run, status: RunStatus) -> bool:
        """Saves the run where its record still has this status; False, and nothing saved, otherwise."""
        ...

    def get(self, run_id: str) -> Run | None: ...

    def list(self, limit: int) -> Sequence[Run]:
        """The newest runs, newest first."""
        ...

    def acquire_lease(
        self, lease: str, run_id: str, now: dt.datetime, expires_at: dt.datetime
    ) -> None:
        """Raises LeaseHeldError where another run holds it, naming that run."""
        ...

    def release_lease(self, lease: str, run_id: str) -> None:
        """Does nothing where the lease is not this run's."""
        ...


class Dispatcher(Protocol):
    """Starts work that goes on after the answer was given."""

    def dispatch(
        self, action: Literal["backup", "restore", "prune"], payload: dict[str, Any]
    ) -> None:
        """Hands `payload` over to the function for `action`; returns when it is accepted."""
        ...


class Clock(Protocol):
    """The only source of the present time, so that a test can set it."""

    def now(self) -> dt.datetime:
        """The present moment, aware, in UTC."""
        ...


class Deadline(Protocol):
    """The time that is left, asked between two steps of long work."""

    def check(self) -> None:
        """Raises DeadlineExceededError when too little time is left to end in good order."""
        ...


class Progress(Protocol):
    """Sees how far a run is."""

    def table(self, name: str, rows: int, status: str) -> None:
        """`rows` so far; status is `running`, `complete` or `failed`."""
        ...

    def phase(self, name: str) -> None:
        """A step of the run begins, such as `keeping an undo copy`."""
        ...
