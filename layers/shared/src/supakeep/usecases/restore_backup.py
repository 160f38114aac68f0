"""Restore a backup into a live database."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from supakeep.archive.reader import BackupReader
from supakeep.domain.manifest import Manifest, TableEntry, TableStatus
from supakeep.domain.restore import RestoredTable, RestoreReport, RestoreRequest
from supakeep.domain.restore_plan import (
    TableRestore,
    check_confirmation,
    check_mode,
    check_undo,
    plan_restore,
)
from supakeep.domain.row_changes import RestoreMode
from supakeep.domain.schema import Catalog
from supakeep.ports import (
    AtomicTransaction,
    Deadline,
    Progress,
    TableWriter,
    TargetDatabase,
    TargetTransaction,
)
from supakeep.usecases.chosen_rows import ChosenRows
from supakeep.usecases.restore_outcome import (
    advance_sequences,
    check_count,
    check_foreign_keys,
    count,
)


@dataclass(frozen=True)
class RestoreBackup:
    """`project` is the one that is written to; `destination` is how it must be confirmed where that
    is not by its ref.
    """

    target: TargetDatabase
    project: str
    deadline: Deadline
    progress: Progress
    # backs these tables up before the first write
    safeguard: Callable[[Sequence[str]], Manifest] | None = None
    destination: str | None = None

    def __call__(self, request: RestoreRequest, reader: BackupReader) -> RestoreReport:
        """Writes the rows of the chosen tables, parents before children, and counts afterwards.

        Checks everything that can be checked first: confirmation, tables, columns, and the
        checksums of every volume that will be read. With an engine that is not atomic, a row that
        the database refuses (such as one of a deleted user) is left out and reported; the others
        are written. Raises for anything else; an atomic engine has written nothing then.
        """
        check_mode(request, self.target.engine)
        check_confirmation(request, reader.manifest, self.project, self.destination)
        with self.target.transaction(dry_run=request.dry_run) as transaction:
            catalog = transaction.catalog()
            planned = plan_restore(reader.manifest, request, catalog)
            self.progress.phase("checking the backup")
            # all of them where all is restored: damage between the rows is damage too
            entries = [table.entry for table in planned]
            volumes = reader.volumes_of(entries) if request.tables else reader.manifest.volumes
            reader.check_volumes(volumes, self.deadline)
            return self._restore(transaction, catalog, planned, ChosenRows(reader, request))

    def _restore(
        self,
        transaction: TargetTransaction,
        catalog: Catalog,
        planned: list[TableRestore],
        source: ChosenRows,
    ) -> RestoreReport:
        request, tables = source.request, [table.live for table in planned]
        warnings = [*_incompleteness(source.reader.manifest, request), *transaction.notices]
        warnings += [note for table in planned for note in table.notes]
        if isinstance(transaction, AtomicTransaction):
            warnings += transaction.check(tables, request.mode)
            transaction.lock(tables)
        undo, notes = self._keep_undo(planned, request)
        warnings += notes
        self.progress.phase("comparing" if request.dry_run else "restoring")
        restored = []
        for table in planned:
            done, notes = self._write(transaction, table, source)
            restored.append(done)
            warnings += notes
            if done.written and not request.dry_run:
                warnings += advance_sequences(transaction, table.live)
        if isinstance(transaction, AtomicTransaction):
            if request.mode is RestoreMode.REPLACE:
                restored = self._delete(transaction, planned, restored, source)
            if not request.dry_run:
                check_foreign_keys(transaction, tables, catalog, restored)
        counted, notes = self._count(transaction, planned, restored, source)
        if self.target.engine.atomic:
            # the last moment to keep nothing: another run may have taken over meanwhile
            self.deadline.check()
        return RestoreReport(
            backup=source.reader.manifest.backup,
            project=self.project,
            mode=request.mode,
            into_schema=request.into_schema,
            undo_backup=undo,
            dry_run=request.dry_run,
            read_from=source.reader.read_from,
            tables=tuple(counted),
            found_nothing=request.where is not None and not any(t.rows_chosen for t in counted),
            passed_over=(*request.passed_over, *source.reader.passed_over),
            warnings=(
                *source.reader.notices,
                *warnings,
                *notes,
                *_unmatched(request, counted),
            ),
        )

    def _keep_undo(
        self, planned: Sequence[TableRestore], request: RestoreRequest
    ) -> tuple[str | None, list[str]]:
        """The backup of the tables as they are now, and warnings."""
        if self.safeguard is None or not request.keep_undo or request.dry_run:
            return None, []
        self.progress.phase("keeping an undo copy")
        kept = self.safeguard([table.live.qualified_name for table in planned])
        return kept.backup, check_undo(kept, [table.live for table in planned])

    def _write(
        self, transaction: TargetTransaction, table: TableRestore, source: ChosenRows
    ) -> tuple[RestoredTable, list[str]]:
        """What became of the table's rows, and warnings."""
        entry = table.entry
        writer = transaction.writer(table.live, entry.table, source.request.mode)
        chosen, again = self._pass(writer, entry, source)
        while again:
            chosen, again = self._pass(writer, entry, source)
        self.progress.table(entry.name, chosen, "complete")
        notes = [f"{entry.name}: {note}" for note in writer.changes.notes]
        return RestoredTable.of(entry, writer.changes, chosen=chosen), notes

    def _pass(self, writer: TableWriter, entry: TableEntry, source: ChosenRows) -> tuple[int, bool]:
        """Gives all chosen rows to the writer; returns their number, and whether it wants them again."""
        chosen = 0
        for batch in source.of(entry):
            self.deadline.check()
            writer.write(batch)
            chosen += len(batch)
            self.progress.table(entry.name, chosen, "running")
        return chosen, writer.finish()

    def _delete(
        self,
        transaction: AtomicTransaction,
        planned: Sequence[TableRestore],
        restored: Sequence[RestoredTable],
        source: ChosenRows,
    ) -> list[RestoredTable]:
        """Deletes, children before parents, what the writers could not delete yet."""
        done = []
        for table, written in reversed([*zip(planned, restored, strict=True)]):
            deletion = transaction.deletion(table.live, table.entry.table)
            if deletion is None:
                done.append(written)
                continue
            self._pass(deletion, table.entry, source)
            done.append(written.model_copy(update={"deleted": deletion.changes.deleted}))
        return done[::-1]

    def _count(
        self,
        transaction: TargetTransaction,
        planned: Sequence[TableRestore],
        restored: Sequence[RestoredTable],
        source: ChosenRows,
    ) -> tuple[list[RestoredTable], list[str]]:
        counted, warnings = [], []
        for table, done in zip(planned, restored, strict=True):
            rows, notes = count(transaction, table.live)
            counted.append(done.model_copy(update={"rows_in_database": rows}))
            warnings += notes
            warnings += [
                f"{done.name}.{column} keeps its value in {n:,} rows: the database generates it"
                for column, n in done.kept.items()
            ]
            if self.target.engine.atomic and not source.request.dry_run:
                check_count(counted[-1], source.request.mode)
        return counted, warnings


def _incompleteness(manifest: Manifest, request: RestoreRequest) -> Iterator[str]:
    if request.tables is not None:
        return
    for entry in manifest.tables:
        if entry.status is not TableStatus.COMPLETE:
            yield f"{entry.name} is incomplete in {manifest.backup} and was left out"


def _unmatched(request: RestoreRequest, tables: Sequence[RestoredTable]) -> Iterator[str]:
    if request.where is None:
        return
    condition = " and ".join(f"{column} = {value}" for column, value in request.where.items())
    for table in tables:
        if not table.rows_chosen:
            yield f"{table.name}: no row of the backup has {condition}"
