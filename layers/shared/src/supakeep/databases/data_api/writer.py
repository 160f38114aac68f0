"""Writes rows in batches that the database takes in time, around single rows that it refuses."""

from __future__ import annotations

import time
from collections.abc import Callable, Container, Sequence
from typing import NamedTuple

from supakeep.databases.data_api.tree import parents_first
from supakeep.domain.json_text import key_of
from supakeep.domain.row_changes import RefusedRow, RowChanges
from supakeep.domain.schema import Table
from supakeep.errors import (
    ConstraintViolationError,
    DatabaseError,
    RestoreError,
    StatementTimeoutError,
    StatementTooLargeError,
)

MAX_REFUSED_ROWS = 1000
_REPORTED_ROWS = 20
_BATCH_ROWS = 1000
_BATCH_BYTES = 1024 * 1024
# a batch that took less may be twice as large
_QUICK_SECONDS = 1.0


class UpsertCounts(NamedTuple):
    """What became of the rows of one batch.

    `altered` of those written hold other values now than those given. `examples` are the first of
    them, each as it was given and as it is now; in a dry run, of those that would be updated.
    `missing` are the first of those that were not there.
    """

    inserted: int
    updated: int
    unchanged: int
    altered: int = 0
    examples: Sequence[tuple[bytes, bytes]] = ()
    missing: Sequence[bytes] = ()


# raises ConstraintViolationError where the batch is refused
Upsert = Callable[[Sequence[bytes]], UpsertCounts]


class _Pace:
    """How many rows go into a batch: half as many where they were too many.

    Time depends on what else the server does, so that more go again while it is quick. Size does not.
    """

    def __init__(self) -> None:
        self.rows = self._most_rows = _BATCH_ROWS

    def timed_out(self, rows: int) -> None:
        self.rows = max(1, rows // 2)

    def too_large(self, rows: int) -> None:
        self.rows = self._most_rows = max(1, rows // 2)

    def took(self, rows: int, seconds: float) -> None:
        if rows == self.rows and seconds < _QUICK_SECONDS:
            self.rows = min(self._most_rows, 2 * self.rows)


class RefusingWriter:
    """Each batch is a transaction of its own; a refused one is halved until each of the refused rows
    is a batch by itself. They are left out and reported. `columns` are those that a new row gets.
    """

    def __init__(
        self, table: Table, columns: Sequence[str], upsert: Upsert, *, dry_run: bool
    ) -> None:
        self._table = table
        self._columns = columns
        self._upsert = upsert
        self._dry_run = dry_run
        self._pace = _Pace()
        self._refused: list[RefusedRow] = []
        # keys of the rows that the pass before could not write; None in the first pass
        self._left_over: set[str] | None = None
        self.changes = RowChanges()

    def write(self, rows: Sequence[bytes]) -> None:
        if self._left_over is not None:
            rows = [row for row in rows if self._key(row) in self._left_over]
        self._write(parents_first(rows, self._table))

    def finish(self) -> bool:
        """A row may refer to a later one of its own table: another pass, as long as that helps."""
        changes, before = self.changes, self._left_over
        changes.refused_rows = self._refused[:_REPORTED_ROWS]
        changes.refused = len(self._refused)
        helped = before is None or changes.refused < len(before)
        again = bool(changes.refused) and helped and not self._dry_run and self._refers_to_itself
        if again:
            self._left_over, self._refused = self.refused_keys, []
        return again

    @property
    def refused_keys(self) -> set[str]:
        """Of the rows that the last pass left out."""
        return {row.row for row in self._refused}

    @property
    def _refers_to_itself(self) -> bool:
        return self._table.qualified_name in self._table.references

    def _key(self, row: bytes) -> str:
        return key_of(row, self._table.primary_key)

    def _write(self, rows: Sequence[bytes]) -> None:
        start = 0
        while start < len(rows):
            batch = self._next_batch(rows, start)
            if self._take(batch):
                start += len(batch)

    def _next_batch(self, rows: Sequence[bytes], start: int) -> Sequence[bytes]:
        end, size = start, 0
        while end < min(len(rows), start + self._pace.rows) and size < _BATCH_BYTES:
            size += len(rows[end])
            end += 1
        return rows[start:end]

    def _take(self, batch: Sequence[bytes]) -> bool:
        """Whether nothing is left to do for these rows; if not, a smaller batch may pass."""
        began = time.monotonic()
        try:
            counts = self._upsert(batch)
        except ConstraintViolationError as exc:
            self._refuse_some(batch, exc)
        except StatementTooLargeError as exc:
            if len(batch) > 1:
                self._pace.too_large(len(batch))
                return False
            self._refuse(batch[0], exc)
        except StatementTimeoutError:
            if len(batch) == 1:
                raise
            self._pace.timed_out(len(batch))
            return False
        else:
            self._pace.took(len(batch), time.monotonic() - began)
            self._add(counts)
        return True

    def _add(self, counts: UpsertCounts) -> None:
        changes = self.changes
        changes.inserted += counts.inserted
        changes.updated += counts.updated
        changes.unchanged += counts.unchanged
        changes.altered += counts.altered
        if self._dry_run:
            self._sample(counts)
            return
        for given, live in counts.examples:
            changes.sample_altered(self._table.primary_key, given, live)

    def _sample(self, counts: UpsertCounts) -> None:
        key = self._table.primary_key
        for row in counts.missing:
            self.changes.sample_inserted(key, row, self._columns)
        for given, live in counts.examples:
            self.changes.sample_updated(key, live, given)

    def _refuse_some(self, batch: Sequence[bytes], error: ConstraintViolationError) -> None:
        if len(batch) == 1:
            self._refuse(batch[0], error)
            return
        middle = len(batch) // 2
        self._write(batch[:middle])
        self._write(batch[middle:])

    def _refuse(self, row: bytes, error: DatabaseError) -> None:
        refused = RefusedRow(row=self._key(row), reason=error.in_full, recorded=error.message)
        self._refused.append(refused)
        if error.hint and error.hint not in self.changes.notes:
            self.changes.notes.append(error.hint)
        if len(self._refused) >= MAX_REFUSED_ROWS:
            raise RestoreError(
                f"{self._table.qualified_name}: the database refused {MAX_REFUSED_ROWS:,} rows, "
                f"the last one because: {error.message}",
                operation="restore",
                key=self._table.qualified_name,
                hint=error.hint
                or "Restore the tables that it refers to first. Rows that are written stay.",
            ) from error


class RowComparison:
    """Counts the rows that are not as they were written as `altered`; writes nothing.

    The `refused` ones, by their keys, were never written.
    """

    def __init__(self, table: Table, compare: Upsert, refused: Container[str]) -> None:
        self._key = table.primary_key
        self._refused = refused
        self._writer = RefusingWriter(table, (), self._compared, dry_run=True)
        self._compare = compare
        self.changes = RowChanges()

    def write(self, rows: Sequence[bytes]) -> None:
        self._writer.write([row for row in rows if key_of(row, self._key) not in self._refused])

    def finish(self) -> bool:
        return self._writer.finish()

    def _compared(self, rows: Sequence[bytes]) -> UpsertCounts:
        counts = self._compare(rows)
        self.changes.altered += counts.inserted + counts.updated
        for given, live in (*counts.examples, *((row, None) for row in counts.missing)):
            self.changes.sample_altered(self._key, given, live)
        return counts
