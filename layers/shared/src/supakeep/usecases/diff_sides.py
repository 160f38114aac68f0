"""What a backup can be compared with."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Protocol

from supakeep.archive.layout import ROW_SEPARATOR
from supakeep.archive.reader import BackupReader
from supakeep.domain.engine import Engine
from supakeep.domain.manifest import Manifest, TableEntry, TableStatus
from supakeep.domain.objections import objection
from supakeep.domain.plan import Selection
from supakeep.domain.schema import Table
from supakeep.domain.users import holds_users
from supakeep.errors import DatabaseError
from supakeep.ports import Snapshot, SourceDatabase
from supakeep.usecases.stored_rows import stored_rows


class Side(Protocol):
    """What a backup is compared with."""

    name: str
    is_database: bool

    def table(self, before: TableEntry) -> Table | None:
        """The table as it is here; None where there is none. Raises SupakeepError where its rows
        cannot be read.
        """
        ...

    def withheld(self, before: TableEntry) -> Sequence[str]:
        """The columns of the table whose values are kept out of this side."""
        ...

    def others(self, before: Manifest) -> Mapping[str, int | None]:
        """The tables that the backup before lacks, with their rows; None where that is not known."""
        ...

    def has_rows_of(self, before: TableEntry) -> bool:
        """Whether it is known, without reading them, that the rows are the same."""
        ...

    def count(self, before: TableEntry) -> int: ...

    def rows(self, before: TableEntry) -> Iterator[bytes]: ...


class BackupSide:
    """Another backup."""

    is_database = False

    def __init__(self, reader: BackupReader) -> None:
        """Raises DecryptionError where it is encrypted and was not unlocked."""
        reader.decoder.require_identity()
        self.name = reader.manifest.backup
        self._reader = reader

    def table(self, before: TableEntry) -> Table | None:
        entry = self._reader.manifest.entry(before.name)
        if entry is None:
            return None
        if entry.status is not TableStatus.COMPLETE:
            raise DatabaseError(f"it is incomplete in {self.name}", operation="diff")
        return entry.table

    def withheld(self, before: TableEntry) -> Sequence[str]:
        return self._entry(before).policy.withheld

    def others(self, before: Manifest) -> Mapping[str, int | None]:
        return {
            entry.name: entry.rows
            for entry in self._reader.manifest.tables
            if before.entry(entry.name) is None
        }

    def has_rows_of(self, before: TableEntry) -> bool:
        sums = [[part.sha256 for part in e.parts] for e in (before, self._entry(before))]
        # an encrypted backup has none
        return sums[0] == sums[1] and None not in sums[0]

    def count(self, before: TableEntry) -> int:
        return self._entry(before).rows

    def rows(self, before: TableEntry) -> Iterator[bytes]:
        return rows_of(self._reader, self._entry(before))

    def _entry(self, before: TableEntry) -> TableEntry:
        entry = self._reader.manifest.entry(before.name)
        assert entry is not None  # noqa: S101 - `table` found it
        return entry


class DatabaseSide:
    """The database as it is now: the rows that a backup would take by the policy of the one before."""

    is_database = True

    def __init__(self, name: str, engine: Engine, snapshot: Snapshot, before: Manifest) -> None:
        self.name = name
        self._engine = engine
        self._snapshot = snapshot
        self._before = before
        self._catalog = snapshot.catalog()

    def table(self, before: TableEntry) -> Table | None:
        name = before.name
        if name not in self._catalog.tables:
            return None
        policy = before.policy.reading_no_masked()
        error = objection(name, policy, self._catalog, self._engine, {})
        if error is not None:
            raise DatabaseError(error.message, operation="diff", key=name, hint=error.hint)
        return self._catalog.tables[name].without(policy.excluded)

    def withheld(self, before: TableEntry) -> Sequence[str]:  # noqa: ARG002 - the database has them all
        return ()

    def others(self, before: Manifest) -> Mapping[str, int | None]:
        # who backs up users does not mean all of `auth`
        tables = (entry.table for entry in before.tables)
        schemas = {table.schema_name for table in tables if not holds_users(table)}
        known = {entry.name for entry in before.tables} | set(before.uncovered_tables)
        return {
            name: None
            for name, table in self._catalog.tables.items()
            if table.schema_name in schemas and name not in known
        }

    def has_rows_of(self, before: TableEntry) -> bool:  # noqa: ARG002 - nothing is known beforehand
        return False

    def count(self, before: TableEntry) -> int:
        return self._snapshot.count(self._selection(before))

    def rows(self, before: TableEntry) -> Iterator[bytes]:
        for portion in self._snapshot.export(self._selection(before)):
            if portion.count:
                yield from portion.lines.split(ROW_SEPARATOR)

    def _selection(self, before: TableEntry) -> Selection:
        """A window of days begins where that of the backup began."""
        days, since = before.policy.last_days, None
        if days is not None:
            since = self._before.started_at - dt.timedelta(days=days)
        policy = before.policy.reading_no_masked()
        table = self._catalog.tables[before.name].without(policy.excluded)
        return Selection(table, policy, since)


@contextmanager
def database_side(database: SourceDatabase, name: str, before: Manifest) -> Iterator[DatabaseSide]:
    """The database, opened for one comparison; its tables are locked as for a backup of them."""
    wanted = {(entry.table.schema_name, entry.table.name) for entry in before.tables}
    with database.snapshot(lambda schema, table: (schema, table) in wanted) as snapshot:
        yield DatabaseSide(name, database.engine, snapshot, before)


def rows_of(reader: BackupReader, entry: TableEntry) -> Iterator[bytes]:
    """A table's rows as `stored_rows` gives them, one by one."""
    return itertools.chain.from_iterable(stored_rows(reader, entry))
