"""Restore a backup into a live database by upsert."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass

from supakeep.domain.document import split_rows
from supakeep.domain.manifest import Manifest, TableEntry
from supakeep.domain.restore import (
    RestoredTable,
    RestoreReport,
    RestoreRequest,
    check_confirmation,
    plan_restore,
)
from supakeep.domain.schema import Table
from supakeep.errors import DatabaseError
from supakeep.ports import Deadline, ObjectStore, Progress, TargetDatabase
from supakeep.usecases.read_document import check_volumes, read_part, volumes_of
from supakeep.usecases.table_upsert import TableUpsert

log = logging.getLogger(__name__)

BATCH_ROWS = 1000
BATCH_BYTES = 1024 * 1024
# Foreign keys are checked at the end of a statement: in a table that refers to itself, the more rows
# stand in one, the fewer are refused because the row that they refer to comes later.
TREE_BATCH_ROWS = 50_000
TREE_BATCH_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True)
class RestoreBackup:
    """`project` is the one that is written to."""

    target: TargetDatabase
    project: str
    deadline: Deadline
    progress: Progress

    def __call__(
        self, request: RestoreRequest, store: ObjectStore, manifest: Manifest
    ) -> RestoreReport:
        """Upserts the rows of the chosen tables, parents before children, and counts afterwards.

        Checks everything that can be checked first: confirmation, tables, columns, and the
        checksums of every volume that will be read. A row that the database refuses (a user who is
        gone, say) is left out and reported; rows before and after it are written. Raises for
        anything else, and then says which tables had been written.
        """
        check_confirmation(request, manifest, self.project)
        catalog = self.target.catalog()
        entries = plan_restore(manifest, request.tables, catalog)
        # all of them where all is restored: damage between the rows is damage too
        volumes = volumes_of(manifest, entries) if request.tables else manifest.volumes
        check_volumes(store, volumes, self.deadline)
        restored, warnings = [], [*_incompleteness(manifest, request)]
        for entry in entries:
            table = catalog.tables[entry.name]
            restored.append(
                self._restore_table(store, manifest, entry, table, dry_run=request.dry_run)
            )
            if not request.dry_run:
                warnings += self._advance_sequences(table)
        return RestoreReport(
            backup=manifest.backup,
            project=self.project,
            dry_run=request.dry_run,
            read_from=store.name,
            tables=tuple(self._counted(table, catalog.tables[table.name]) for table in restored),
            warnings=tuple(warnings),
        )

    def _restore_table(
        self,
        store: ObjectStore,
        manifest: Manifest,
        entry: TableEntry,
        table: Table,
        *,
        dry_run: bool,
    ) -> RestoredTable:
        backed_up = {column.name for column in entry.columns if not column.generated}
        columns = [name for name in table.writable_columns if name in backed_up]
        is_tree = entry.name in table.references
        previous: TableUpsert | None = None
        while True:
            upsert = TableUpsert(self.target, table, columns, dry_run=dry_run)
            for batch in self._batches(store, manifest, entry, is_tree=is_tree):
                self.deadline.check()
                upsert.write(batch)
                self.progress.table(entry.name, upsert.seen, "running")
            # a row may refer to a later one of its own table: go on while that helps
            helped = previous is None or upsert.refused < previous.refused
            if dry_run or not upsert.refused or not helped or not is_tree:
                break
            previous = upsert if previous is None else upsert.added_to(previous)
        final = upsert if previous is None else upsert.added_to(previous)
        self.progress.table(entry.name, final.seen, "complete")
        return final.report(entry)

    def _batches(
        self, store: ObjectStore, manifest: Manifest, entry: TableEntry, *, is_tree: bool
    ) -> Iterator[list[bytes]]:
        most_rows = TREE_BATCH_ROWS if is_tree else BATCH_ROWS
        most_bytes = TREE_BATCH_BYTES if is_tree else BATCH_BYTES
        batch: list[bytes] = []
        size = 0
        for part in entry.parts:
            for row in split_rows(read_part(store, manifest, part)):
                batch.append(row)
                size += len(row)
                if len(batch) >= most_rows or size >= most_bytes:
                    yield batch
                    batch, size = [], 0
        if batch:
            yield batch

    def _advance_sequences(self, table: Table) -> list[str]:
        try:
            self.target.advance_sequences(table)
        except DatabaseError as exc:
            log.warning("Sequences of %s were not advanced", table.qualified_name, exc_info=True)
            hint = f" {exc.hint}" if exc.hint else ""
            return [
                f"{table.qualified_name}: its sequences were not advanced: {exc.message}.{hint}"
            ]
        return []

    def _counted(self, restored: RestoredTable, table: Table) -> RestoredTable:
        return restored.model_copy(update={"rows_in_database": self.target.count_table(table)})


def _incompleteness(manifest: Manifest, request: RestoreRequest) -> Iterator[str]:
    if request.tables:
        return
    for entry in manifest.tables:
        if entry.status != "complete":
            yield f"{entry.name} is incomplete in {manifest.backup} and was left out"
