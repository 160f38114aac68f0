"""A restore without a transaction around it: the Data API commits each batch by itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from supakeep.databases.data_api.writer import RefusingWriter, RowComparison, Upsert, UpsertCounts
from supakeep.domain.row_changes import RestoreMode
from supakeep.domain.schema import Catalog, Table, writable_columns


class BatchDatabase(Protocol):
    """What such a database can do; each call is a transaction of its own."""

    def catalog(self) -> Catalog: ...

    def upsert(
        self, table: Table, columns: Sequence[str], rows: Sequence[bytes], *, dry_run: bool
    ) -> UpsertCounts:
        """Inserts rows, and overwrites `columns` of those whose primary key is there already.

        All or nothing: ConstraintViolationError means that no row of the batch was written. A row
        that is the same already is not written. A dry run counts and writes nothing.
        """
        ...

    def advance_sequences(self, table: Table) -> Sequence[str]: ...

    def count_table(self, table: Table) -> int: ...


class BatchTransaction:
    """One restore into a database that commits each batch by itself: merges only."""

    notices: Sequence[str] = ()

    def __init__(self, database: BatchDatabase, *, dry_run: bool) -> None:
        self._database = database
        self._dry_run = dry_run
        self._fires_triggers = False
        self._writers: dict[str, RefusingWriter] = {}

    def catalog(self) -> Catalog:
        return self._database.catalog()

    def writer(
        self,
        table: Table,
        backed_up: Table,
        mode: RestoreMode,  # noqa: ARG002  (merge is the engine's only one)
    ) -> RefusingWriter:
        self._fires_triggers = self._fires_triggers or table.has_triggers
        columns = writable_columns(table, backed_up)
        upsert = self._upsert(table, columns, dry_run=self._dry_run)
        writer = RefusingWriter(table, columns, upsert, dry_run=self._dry_run)
        self._writers[table.qualified_name] = writer
        return writer

    def comparison(self, table: Table, backed_up: Table) -> RowComparison | None:
        """A trigger may write rows of any table, also of one that was written before it."""
        if not self._fires_triggers:
            return None
        compare = self._upsert(table, writable_columns(table, backed_up), dry_run=True)
        return RowComparison(table, compare, self._writers[table.qualified_name].refused_keys)

    def _upsert(self, table: Table, columns: Sequence[str], *, dry_run: bool) -> Upsert:
        def upsert(rows: Sequence[bytes]) -> UpsertCounts:
            return self._database.upsert(table, columns, rows, dry_run=dry_run)

        return upsert

    def advance_sequences(self, table: Table) -> Sequence[str]:
        return self._database.advance_sequences(table)

    def count_table(self, table: Table) -> int:
        return self._database.count_table(table)
