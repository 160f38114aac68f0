"""The steps of one restore, in the order in which they are taken."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from supakeep.domain.manifest import Manifest, TableEntry, TableStatus
from supakeep.domain.restore import RestoredTable, RestoreRequest
from supakeep.domain.restore_plan import RestorePlan, TableRestore
from supakeep.domain.row_changes import RestoreMode
from supakeep.domain.schema import Catalog, Table
from supakeep.ports import (
    AtomicTransaction,
    BatchwiseTransaction,
    Deadline,
    Progress,
    TableWriter,
    TargetTransaction,
)
from supakeep.usecases.chosen_rows import ChosenRows
from supakeep.usecases.restore_outcome import (
    advance_sequences,
    check_count,
    check_foreign_keys,
    count,
)


@dataclass
class RestoreSteps:
    """One restore into an open transaction. What it did and what the caller should know gather in
    `restored` and `warnings`. `left_out` are tables of the backup that nobody named, and `users` those
    of users that nobody asked for.
    """

    transaction: TargetTransaction
    catalog: Catalog
    plan: RestorePlan
    rows: ChosenRows
    deadline: Deadline
    progress: Progress
    left_out: Sequence[str] = ()
    users: Sequence[str] = ()
    restored: list[RestoredTable] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def planned(self) -> Sequence[TableRestore]:
        """What is written, parents before children."""
        return self.plan.tables

    @property
    def tables(self) -> list[Table]:
        """The live tables, parents before children."""
        return [table.live for table in self.planned]

    def begin(self) -> None:
        """Checks what can be checked before the first write, and locks the tables."""
        self.warnings += _incompleteness(self.rows.reader.manifest, self.rows.request)
        self.warnings += _not_named(self.left_out)
        self.warnings += _not_asked_for(self.users)
        self.warnings += _shrunk(self.rows.reader.manifest, self.planned)
        self.warnings += self.transaction.notices
        self.warnings += [note for table in self.planned for note in table.notes]
        if isinstance(self.transaction, AtomicTransaction):
            self.warnings += self.transaction.check(self.tables, self.rows.request.mode)
            self.transaction.lock(self.tables)

    def write(self) -> None:
        """Writes the rows, parents before children, and moves sequences past them."""
        for table in self.planned:
            done = self._write(table)
            self.restored.append(done)
            if done.written and not self.rows.request.dry_run:
                self.warnings += advance_sequences(self.transaction, table.live)

    def compare(self) -> None:
        """Finds the rows that a trigger of another table altered after they were written."""
        transaction = self.transaction
        if self.rows.request.dry_run or not isinstance(transaction, BatchwiseTransaction):
            return
        for number, table in enumerate(self.planned):
            comparison = transaction.comparison(table.live, table.entry.table)
            if comparison is not None and any(done.written for done in self.restored):
                compared, _ = self._pass(comparison, table.entry)
                self.progress.table(table.entry.name, compared, "complete")
                self.restored[number] = self.restored[number].compared(comparison.changes)

    def delete_extra(self) -> None:
        """Deletes, children before parents, the rows that the writers could not delete yet."""
        transaction = self.transaction
        replaces = self.rows.request.mode is RestoreMode.REPLACE
        if not (replaces and isinstance(transaction, AtomicTransaction)):
            return
        for number, table in reversed([*enumerate(self.planned)]):
            deletion = transaction.deletion(table.live, table.entry.table)
            if deletion is not None:
                self._pass(deletion, table.entry)
                self.restored[number] = self.restored[number].with_deleted(deletion.changes)

    def check_foreign_keys(self) -> None:
        """Raises RestoreError where rows refer to rows that are missing now."""
        if isinstance(self.transaction, AtomicTransaction) and not self.rows.request.dry_run:
            check_foreign_keys(self.transaction, self.tables, self.catalog, self.restored)

    def count(self, *, check: bool) -> None:
        """Counts the tables; with `check`, raises RestoreError where rows were kept back."""
        request = self.rows.request
        for number, table in enumerate(self.planned):
            rows, notes = count(self.transaction, table.live)
            done = self.restored[number].model_copy(update={"rows_in_database": rows})
            self.restored[number] = done
            self.warnings += [*notes, *_kept(done), *_unmatched(request, done)]
            if check:
                check_count(done, request.mode)

    def _write(self, table: TableRestore) -> RestoredTable:
        entry = table.entry
        # named before the first batch, which may be written although no answer says so
        self.progress.table(entry.name, 0, "running")
        writer = self.transaction.writer(table.live, entry.table, self.rows.request.mode)
        chosen, again = self._pass(writer, entry)
        while again:
            chosen, again = self._pass(writer, entry)
        self.progress.table(entry.name, chosen, "complete")
        self.warnings += [f"{entry.name}: {note}" for note in writer.changes.notes]
        return RestoredTable.of(entry, writer.changes, chosen=chosen)

    def _pass(self, writer: TableWriter, entry: TableEntry) -> tuple[int, bool]:
        """Gives all chosen rows to the writer; returns their number, and whether it wants them again."""
        chosen = 0
        for batch in self.rows.of(entry):
            self.deadline.check()
            writer.write(batch)
            chosen += len(batch)
            self.progress.table(entry.name, chosen, "running")
        return chosen, writer.finish()


def _incompleteness(manifest: Manifest, request: RestoreRequest) -> Iterator[str]:
    if request.tables is not None:
        return
    for entry in manifest.tables:
        if entry.status is not TableStatus.COMPLETE:
            yield f"{entry.name} is incomplete in {manifest.backup} and was left out"


def _not_named(left_out: Sequence[str]) -> Iterator[str]:
    if left_out:
        names, one = ", ".join(left_out), len(left_out) == 1
        yield (
            f"{names} {'is' if one else 'are'} in the backup, but not in the policy (supakeep.toml), and "
            f"{'was' if one else 'were'} left out. To restore {'it' if one else 'them'}, give "
            f"{'its name' if one else 'their names'} (--table, tables)"
        )


def _not_asked_for(users: Sequence[str]) -> Iterator[str]:
    if users:
        yield (
            f"The users ({', '.join(users)}) are in the backup and are left as they are. To restore them, "
            "or some of them, ask for them (--auth, users)"
        )


def _shrunk(manifest: Manifest, planned: Sequence[TableRestore]) -> Iterator[str]:
    """Why a chosen table may have fewer rows in this backup than it should."""
    names = {table.entry.name for table in planned}
    return (s.message for s in manifest.shrinkage if s.table in names)


def _kept(table: RestoredTable) -> Iterator[str]:
    for column, rows in table.kept.items():
        yield f"{table.name}.{column} keeps its value in {rows:,} rows: the database generates it"


def _unmatched(request: RestoreRequest, table: RestoredTable) -> Iterator[str]:
    if request.where is not None and not table.rows_chosen:
        condition = " and ".join(f"{column} = {value}" for column, value in request.where.items())
        yield f"{table.name}: no row of the backup has {condition}"
