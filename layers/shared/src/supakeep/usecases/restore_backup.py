"""Restore a backup into a live database."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from supakeep.archive.layout import split_rows
from supakeep.archive.reader import BackupReader
from supakeep.domain.manifest import Manifest, TableEntry, TableStatus
from supakeep.domain.restore import (
    RestoredTable,
    RestoreReport,
    RestoreRequest,
    matches,
)
from supakeep.domain.restore_plan import (
    TableRestore,
    check_confirmation,
    check_mode,
    check_undo,
    plan_restore,
)
from supakeep.domain.schema import Catalog, Table
from supakeep.errors import DatabasePermissionError, DatabaseUnavailableError, RestoreError
from supakeep.ports import (
    AtomicTransaction,
    Deadline,
    Progress,
    TargetDatabase,
    TargetTransaction,
)

log = logging.getLogger(__name__)

BATCH_ROWS = 1000
BATCH_BYTES = 1024 * 1024
# Foreign keys are checked at the end of a statement: in a table that refers to itself, the more rows
# stand in one, the fewer are refused because the row that they refer to comes later.
TREE_BATCH_ROWS = 50_000
TREE_BATCH_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True)
class _Source:
    """Where the rows come from, and which of them were asked for."""

    reader: BackupReader
    request: RestoreRequest


@dataclass(frozen=True)
class RestoreBackup:
    """`project` is the one that is written to."""

    target: TargetDatabase
    project: str
    deadline: Deadline
    progress: Progress
    # backs these tables up before the first write
    safeguard: Callable[[Sequence[str]], Manifest] | None = None

    def __call__(self, request: RestoreRequest, reader: BackupReader) -> RestoreReport:
        """Upserts the rows of the chosen tables, parents before children, and counts afterwards.

        Checks everything that can be checked first: confirmation, tables, columns, and the
        checksums of every volume that will be read. A row that the database refuses (a user who is
        gone, say) is left out and reported; rows before and after it are written. Raises for
        anything else, and then says which tables had been written.
        """
        check_mode(request, self.target.engine)
        manifest = reader.manifest
        check_confirmation(request, manifest, self.project)
        with self.target.transaction(dry_run=request.dry_run) as transaction:
            catalog = transaction.catalog()
            planned = plan_restore(manifest, request, catalog)
            entries = [table.entry for table in planned]
            # all of them where all is restored: damage between the rows is damage too
            volumes = reader.volumes_of(entries) if request.tables else manifest.volumes
            reader.check_volumes(volumes, self.deadline)
            source = _Source(reader, request)
            return self._restore(transaction, catalog, planned, source)

    def _restore(
        self,
        transaction: TargetTransaction,
        catalog: Catalog,
        planned: list[TableRestore],
        source: _Source,
    ) -> RestoreReport:
        request, tables = source.request, [table.live for table in planned]
        warnings = [*_incompleteness(source.reader.manifest, request), *transaction.notices]
        warnings += [note for table in planned for note in table.notes]
        if isinstance(transaction, AtomicTransaction):
            transaction.lock(tables)
        undo = None
        if self.safeguard is not None and request.keep_undo and not request.dry_run:
            kept = self.safeguard([table.qualified_name for table in tables])
            undo = kept.backup
            warnings += check_undo(kept, tables)
        restored = []
        for table in planned:
            restored.append(self._restore_table(transaction, table, source))
            if not request.dry_run:
                warnings += _advance_sequences(transaction, table.live)
        if isinstance(transaction, AtomicTransaction) and not request.dry_run:
            _check_foreign_keys(transaction, tables, catalog, restored)
        counted = []
        for done, live in zip(restored, tables, strict=True):
            rows, told = _count(transaction, live)
            counted.append(done.model_copy(update={"rows_in_database": rows}))
            warnings += told
        return RestoreReport(
            backup=source.reader.manifest.backup,
            project=self.project,
            mode=request.mode,
            into_schema=request.into_schema,
            undo_backup=undo,
            dry_run=request.dry_run,
            read_from=source.reader.read_from,
            tables=tuple(counted),
            passed_over=(*request.passed_over, *source.reader.passed_over),
            warnings=(*source.reader.notices, *warnings),
        )

    def _restore_table(
        self, transaction: TargetTransaction, table: TableRestore, source: _Source
    ) -> RestoredTable:
        entry = table.entry
        writer = transaction.writer(table.live, entry.table, source.request.mode)
        again, seen = True, 0
        while again:
            seen = 0
            for batch in self._batches(source, entry):
                self.deadline.check()
                writer.write(batch)
                seen += len(batch)
                self.progress.table(entry.name, seen, "running")
            again = writer.finish()
        self.progress.table(entry.name, seen, "complete")
        return RestoredTable.of(entry, writer.changes, chosen=seen)

    def _batches(self, source: _Source, entry: TableEntry) -> Iterator[list[bytes]]:
        is_tree = entry.name in entry.references
        most_rows = TREE_BATCH_ROWS if is_tree else BATCH_ROWS
        most_bytes = TREE_BATCH_BYTES if is_tree else BATCH_BYTES
        batch: list[bytes] = []
        for rows in self._chosen(source, entry):
            batch += rows
            while len(batch) >= most_rows or sum(map(len, batch)) >= most_bytes:
                yield batch[:most_rows]
                batch = batch[most_rows:]
        if batch:
            yield batch

    def _chosen(self, source: _Source, entry: TableEntry) -> Iterator[list[bytes]]:
        where = source.request.where
        for part in entry.parts:
            for rows in split_rows(source.reader.read_part(part)):
                yield [row for row in rows if matches(row, where)] if where else rows


def _count(transaction: TargetTransaction, table: Table) -> tuple[int | None, list[str]]:
    try:
        return transaction.count_table(table), []
    except DatabaseUnavailableError as exc:
        # what is written is written, counted or not
        return None, [f"{table.qualified_name}: could not be counted: {exc.message}"]


def _advance_sequences(transaction: TargetTransaction, table: Table) -> list[str]:
    try:
        transaction.advance_sequences(table)
    except DatabasePermissionError as exc:
        log.warning("Sequences of %s were not advanced", table.qualified_name, exc_info=True)
        hint = f" {exc.hint}" if exc.hint else ""
        return [f"{table.qualified_name}: its sequences were not advanced: {exc.message}.{hint}"]
    return []


def _check_foreign_keys(
    transaction: AtomicTransaction,
    tables: list[Table],
    catalog: Catalog,
    restored: list[RestoredTable],
) -> None:
    deleted = any(table.deleted for table in restored)
    violations = transaction.foreign_key_violations(tables, catalog, deleted=deleted)
    if violations:
        told = "; ".join(
            f"{v.table}: {v.rows:,} rows refer by {v.constraint} to rows that {v.parent} lacks, "
            f"{v.example} for one"
            for v in violations
        )
        raise RestoreError(
            f"The restore was undone, because foreign keys would be violated: {told}",
            operation="restore",
            key=violations[0].table,
            hint="Restore the parents as well, or choose the rows whose parents exist (--where).",
        )


def _incompleteness(manifest: Manifest, request: RestoreRequest) -> Iterator[str]:
    if request.tables:
        return
    for entry in manifest.tables:
        if entry.status is not TableStatus.COMPLETE:
            yield f"{entry.name} is incomplete in {manifest.backup} and was left out"
