"""Compare a backup with another one, or with the database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from supakeep.archive.reader import BackupReader
from supakeep.domain.backup_diff import (
    DiffReport,
    DiffStatus,
    RowDifference,
    TableDiff,
    column_notes,
)
from supakeep.domain.manifest import TableEntry, TableStatus
from supakeep.domain.row_changes import without_members
from supakeep.domain.schema import Table
from supakeep.errors import DatabaseError
from supakeep.ports import Progress
from supakeep.usecases.diff_sides import Side, rows_of
from supakeep.usecases.row_matching import RowMatching


@dataclass(frozen=True)
class DiffBackups:
    """Compares table by table; `most_rows` differences of each table are kept for the report."""

    progress: Progress
    most_rows: int = 0

    def __call__(self, before: BackupReader, side: Side) -> DiffReport:
        manifest = before.manifest
        before.decoder.require_identity()
        self.progress.expect({entry.name: entry.rows for entry in manifest.tables})
        tables = [self._table(before, entry, side) for entry in manifest.tables]
        tables += [
            TableDiff(table=name, status=DiffStatus.ADDED, rows_after=rows, added=rows)
            for name, rows in side.others(manifest).items()
        ]
        return DiffReport(
            before=manifest.backup,
            after=side.name,
            after_is_database=side.is_database,
            tables=tuple(sorted(tables, key=lambda table: table.table)),
            warnings=(*before.passed_over, *before.notices),
        )

    def _table(self, before: BackupReader, entry: TableEntry, side: Side) -> TableDiff:
        try:
            if entry.status is not TableStatus.COMPLETE:
                return _failed(entry, f"it is incomplete in {before.manifest.backup}")
            table = side.table(entry)
            if table is None:
                rows = entry.rows
                return TableDiff(
                    table=entry.name, status=DiffStatus.REMOVED, rows_before=rows, removed=rows
                )
            return self._compared(before, entry, side, table)
        except DatabaseError as exc:
            if exc.retryable:
                raise  # the connection is lost, and with it all tables that follow
            return _failed(entry, exc.message, exc.hint)

    def _compared(
        self, before: BackupReader, entry: TableEntry, side: Side, table: Table
    ) -> TableDiff:
        withheld = {*entry.policy.withheld, *side.withheld(entry)}
        notes = [*column_notes(entry.columns, table.columns, withheld), *_window_notes(entry)]
        if side.has_rows_of(entry):
            self.progress.table(entry.name, entry.rows, "complete")
            return _diff(entry, entry.rows, Differences(), notes)
        if not entry.primary_key or entry.primary_key != table.primary_key:
            return _counted(entry, side.count(entry), notes)
        differences, rows_after = Differences(self.most_rows), 0

        def counted(rows: Iterator[bytes]) -> Iterator[bytes]:
            nonlocal rows_after
            for row in rows:
                rows_after += 1
                if rows_after % 1000 == 0:
                    self.progress.table(entry.name, rows_after, "running")
                yield row

        common = {column.name for column in entry.columns} & set(table.column_names)
        matching = RowMatching(entry.primary_key)
        pairs = matching(
            _only(common, entry.table, rows_of(before, entry)),
            _only(common, table, counted(side.rows(entry))),
        )
        for old, new in pairs:
            differences.add(entry.primary_key, old, new)
        self.progress.table(entry.name, rows_after, "complete")
        return _diff(entry, rows_after, differences, notes)


@dataclass
class Differences:
    """The differences of one table, counted, and the first few of them."""

    most_rows: int = 0
    added: int = 0
    removed: int = 0
    changed: int = 0
    rows: list[RowDifference] = field(default_factory=list)

    def add(self, key: tuple[str, ...], old: bytes | None, new: bytes | None) -> None:
        self.added += old is None
        self.removed += new is None
        self.changed += old is not None and new is not None
        if len(self.rows) < self.most_rows:
            self.rows.append(RowDifference.between(key, old, new))


def _only(common: set[str], table: Table, rows: Iterator[bytes]) -> Iterator[bytes]:
    """The rows without the columns that the other side does not have."""
    others = set(table.column_names) - common
    drop: Callable[[bytes], bytes] = lambda row: without_members(row, others)  # noqa: E731
    return map(drop, rows) if others else rows


def _window_notes(entry: TableEntry) -> list[str]:
    if entry.policy.last_rows is not None:
        return [f"only the {entry.policy} are compared: a row that left them counts as removed"]
    if entry.policy.last_days is not None:
        return [f"only the {entry.policy} are compared"]
    return []


def _diff(entry: TableEntry, rows_after: int, found: Differences, notes: list[str]) -> TableDiff:
    is_same = not (found.added or found.removed or found.changed)
    return TableDiff(
        table=entry.name,
        status=DiffStatus.SAME if is_same else DiffStatus.CHANGED,
        rows_before=entry.rows,
        rows_after=rows_after,
        added=found.added,
        removed=found.removed,
        changed=found.changed,
        notes=tuple(notes),
        rows=tuple(found.rows),
    )


def _counted(entry: TableEntry, rows_after: int, notes: list[str]) -> TableDiff:
    why = "its primary key changed" if entry.primary_key else "it has no primary key"
    return TableDiff(
        table=entry.name,
        status=DiffStatus.COUNTED,
        rows_before=entry.rows,
        rows_after=rows_after,
        notes=(f"{why}, so only its rows were counted", *notes),
    )


def _failed(entry: TableEntry, why: str, hint: str | None = None) -> TableDiff:
    note = f"{why} ({hint})" if hint else why
    rows = entry.rows if entry.status is TableStatus.COMPLETE else None
    return TableDiff(table=entry.name, status=DiffStatus.FAILED, rows_before=rows, notes=(note,))
