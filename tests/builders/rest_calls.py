"""The calls of the `rest` engine one by one, as the contracts ask for them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from supakeep.databases.data_api.client import Retries
from supakeep.databases.data_api.database import SupabaseRestDatabase
from supakeep.databases.data_api.export import DataApiSnapshot
from supakeep.databases.data_api.target import DataApiTarget
from supakeep.databases.data_api.writer import UpsertCounts
from supakeep.domain.plan import Selection
from supakeep.domain.schema import Catalog, Table
from supakeep.ports import Rows

FOUR_ATTEMPTS = Retries(first_pause_seconds=0, attempts=4)


class RestCalls:
    """A database whose snapshots and transactions need not be opened first."""

    def __init__(self, database: SupabaseRestDatabase) -> None:
        self.adapter = database
        self.engine = database.engine
        self.client = database._client
        self.snapshot = database.snapshot
        self.transaction = database.transaction

    @property
    def _target(self) -> DataApiTarget:
        return DataApiTarget(self.client)

    def catalog(self) -> Catalog:
        return DataApiSnapshot(self.client).catalog()

    def export(self, selection: Selection) -> Iterator[Rows]:
        self._exporting = DataApiSnapshot(self.client)
        return self._exporting.export(selection)

    def count(self, selection: Selection) -> int:
        return DataApiSnapshot(self.client).count(selection)

    def count_untouched(self, selection: Selection) -> int:
        """Since the last export began."""
        return self._exporting.count_untouched(selection)

    def read_at_once(self, selection: Selection) -> bool:
        """The last export."""
        return self._exporting.read_at_once(selection)

    def count_table(self, table: Table) -> int:
        return self._target.count_table(table)

    def upsert(
        self, table: Table, columns: Sequence[str], rows: Sequence[bytes], *, dry_run: bool
    ) -> UpsertCounts:
        return self._target.upsert(table, columns, rows, dry_run=dry_run)

    def advance_sequences(self, table: Table) -> Sequence[str]:
        return self._target.advance_sequences(table)
