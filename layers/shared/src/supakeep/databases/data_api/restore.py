"""A restore without a transaction around it: batch by batch, around single rows that are refused."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from supakeep.databases.data_api.catalog import read_catalog
from supakeep.databases.data_api.client import DataApiClient, named
from supakeep.domain.json_text import key_of
from supakeep.domain.row_changes import RefusedRow, RestoreMode, RowChanges
from supakeep.domain.schema import Catalog, Table, quoted_identifier, writable_columns
from supakeep.errors import ConstraintViolationError, DatabasePermissionError, RestoreError

MAX_REFUSED_ROWS = 1000
_REPORTED_ROWS = 20


class UpsertCounts(NamedTuple):
    """What became of the rows of one batch."""

    inserted: int
    updated: int
    unchanged: int


# raises ConstraintViolationError where the batch is refused
Upsert = Callable[[Sequence[bytes]], UpsertCounts]


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


class DataApiTarget:
    """A project as a BatchDatabase."""

    def __init__(self, client: DataApiClient) -> None:
        self._client = client

    def catalog(self) -> Catalog:
        return read_catalog(self._client)

    def upsert(
        self, table: Table, columns: Sequence[str], rows: Sequence[bytes], *, dry_run: bool
    ) -> UpsertCounts:
        request = {
            **named(table),
            "key": table.primary_key,
            "text_columns": table.text_columns,
            "columns": columns,
            # the rows stay text all the way to Postgres: no number in them is read on the way
            "rows": (b"[" + b",".join(rows) + b"]").decode(),
            "dry_run": dry_run,
        }
        answer = self._client.call("supakeep_upsert", request, table, writing=True)
        return UpsertCounts(answer["inserted"], answer["updated"], answer["unchanged"])

    def advance_sequences(self, table: Table) -> Sequence[str]:
        try:
            answer = self._client.call(
                "supakeep_advance_sequences", named(table), table, writing=True
            )
        except DatabasePermissionError as exc:
            exc.hint = (
                "Run in the SQL editor: GRANT SELECT, UPDATE ON ALL SEQUENCES IN SCHEMA "
                f"{quoted_identifier(table.schema_name)} TO service_role;"
            )
            raise
        moved: list[str] = answer["advanced"]
        return moved

    def count_table(self, table: Table) -> int:
        rows: int = self._client.call("supakeep_count", named(table), table)["rows"]
        return rows


class RefusingWriter:
    """Each batch is a transaction of its own; a refused one is halved until the refused rows stand
    alone. They are left out and reported.
    """

    def __init__(self, table: Table, upsert: Upsert, *, dry_run: bool) -> None:
        self._table = table
        self._upsert = upsert
        self._dry_run = dry_run
        self._seen = 0
        self._refused_before: int | None = None
        self._refused: list[RefusedRow] = []
        self.changes = RowChanges()

    def write(self, rows: Sequence[bytes]) -> None:
        self._seen += len(rows)
        self._write(rows)

    def finish(self) -> bool:
        """A row may refer to a later one of its own table: goes on while that helps."""
        changes = self.changes
        changes.refused_rows = self._refused[:_REPORTED_ROWS]
        changes.refused = len(self._refused)
        # what one pass wrote is unchanged in the next
        changes.unchanged = self._seen - changes.inserted - changes.updated - changes.refused
        helped = self._refused_before is None or changes.refused < self._refused_before
        again = bool(changes.refused) and helped and not self._dry_run and self._refers_to_itself
        if again:
            self._refused_before, self._refused, self._seen = changes.refused, [], 0
        return again

    @property
    def _refers_to_itself(self) -> bool:
        return self._table.qualified_name in self._table.references

    def _write(self, rows: Sequence[bytes]) -> None:
        try:
            counts = self._upsert(rows)
        except ConstraintViolationError as exc:
            if len(rows) == 1:
                self._refuse(rows[0], exc)
                return
            middle = len(rows) // 2
            self._write(rows[:middle])
            self._write(rows[middle:])
            return
        self.changes.inserted += counts.inserted
        self.changes.updated += counts.updated

    def _refuse(self, row: bytes, error: ConstraintViolationError) -> None:
        key = key_of(row, self._table.primary_key)
        self._refused.append(RefusedRow(row=key, reason=error.message))
        if len(self._refused) >= MAX_REFUSED_ROWS:
            raise RestoreError(
                f"{self._table.qualified_name}: the database refused {MAX_REFUSED_ROWS:,} rows, "
                f"the last one because: {error.message}",
                operation="restore",
                key=self._table.qualified_name,
                hint="Restore the tables that it refers to first; rows already written stay.",
            ) from error


class BatchTransaction:
    """One restore into a database that commits each batch by itself: merges only."""

    notices: Sequence[str] = ()

    def __init__(self, database: BatchDatabase, *, dry_run: bool) -> None:
        self._database = database
        self._dry_run = dry_run

    def catalog(self) -> Catalog:
        return self._database.catalog()

    def writer(
        self,
        table: Table,
        backed_up: Table,
        mode: RestoreMode,  # noqa: ARG002  (merge is the engine's only one)
    ) -> RefusingWriter:
        columns = writable_columns(table, backed_up)

        def upsert(rows: Sequence[bytes]) -> UpsertCounts:
            return self._database.upsert(table, columns, rows, dry_run=self._dry_run)

        return RefusingWriter(table, upsert, dry_run=self._dry_run)

    def advance_sequences(self, table: Table) -> Sequence[str]:
        return self._database.advance_sequences(table)

    def count_table(self, table: Table) -> int:
        return self._database.count_table(table)
