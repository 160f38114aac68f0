"""One pass over a backup's rows of one table, and what it does with them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

from supakeep.databases.postgres.restore.comparison import Comparison, Found
from supakeep.databases.postgres.restore.deletion import Deletion
from supakeep.databases.postgres.restore.session import RestoreSession
from supakeep.databases.postgres.restore.upsert import Upsert
from supakeep.domain.row_changes import (
    MOST_SAMPLES,
    RestoreMode,
    RowChanges,
    changed_columns,
)
from supakeep.domain.schema import Table


class Pass(Protocol):
    """Takes all rows, in the order of the key, then ends."""

    def write(self, rows: Sequence[bytes]) -> None: ...

    def finish(self) -> None: ...


class Target(NamedTuple):
    """A table that is written. `given` are the columns that a new row gets from the backup, `fixed`
    those that no update can set; the `generated` ones of these change with the columns that they are
    computed of.
    """

    session: RestoreSession
    table: Table
    upsert: Upsert
    deletion: Deletion
    given: Collection[str]
    fixed: frozenset[str]
    generated: Mapping[str, frozenset[str]]

    def count_inserted(self, rows: Sequence[bytes], changes: RowChanges) -> None:
        """Counts rows that are not there yet; a dry run shows the first few."""
        changes.inserted += len(rows)
        for row in rows[:MOST_SAMPLES] if self.session.dry_run else ():
            changes.sample_inserted(self.table.primary_key, row, self.given)


class InsertPass:
    """Into a table that has no row."""

    def __init__(self, target: Target, changes: RowChanges) -> None:
        self._target = target
        self._changes = changes
        target.upsert.begin(None)

    def write(self, rows: Sequence[bytes]) -> None:
        self._target.count_inserted(rows, self._changes)
        self._target.upsert.add(rows)
        self._target.upsert.flush_many()

    def finish(self) -> None:
        self._target.upsert.flush()
        self._target.session.wait()


class DeletePass:
    """Deletes the live rows that the backup does not have, if `comparison` finds them."""

    def __init__(self, target: Target, comparison: Comparison, changes: RowChanges) -> None:
        self._target = target
        self._comparison = comparison
        self._changes = changes

    def write(self, rows: Sequence[bytes]) -> None:
        for found in self._comparison.add(rows):
            self._take(found)

    def finish(self) -> None:
        for found in self._comparison.finish():
            self._take(found)
        self._target.session.wait()

    def _take(self, found: Found) -> None:
        self._target.deletion.of_extra(found, self._changes)


class WritePass(DeletePass):
    """Writes the rows that differ as well."""

    def __init__(
        self, target: Target, comparison: Comparison, changes: RowChanges, mode: RestoreMode
    ) -> None:
        super().__init__(target, comparison, changes)
        self._mode = mode

    def write(self, rows: Sequence[bytes]) -> None:
        super().write(rows)
        # only now: a batch may be large so that rows stand in one statement with their parents
        self._target.upsert.flush_many()

    def finish(self) -> None:
        super().finish()
        self._target.upsert.flush()
        self._target.session.wait()

    def _take(self, found: Found) -> None:
        super()._take(found)
        self._changes.unchanged += found.equal
        self._use([(row, live) for row, live in found.differing if self._writes(row, live)])

    def _use(self, rows: Sequence[tuple[bytes, bytes | None]]) -> None:
        """What becomes of the rows to write, each with the live row that has its key."""
        self._target.upsert.add([row for row, _ in rows])

    def _writes(self, row: bytes, live: bytes | None) -> bool:
        """Whether the row is written; counts it."""
        if live is None:
            self._target.count_inserted([row], self._changes)
            return True
        if self._mode is RestoreMode.MISSING_ONLY or not self._changes_value(row, live):
            self._changes.unchanged += 1
            return False
        self._changes.updated += 1
        self._changes.sample_updated(self._target.table.primary_key, live, row, self._target.fixed)
        return True

    def _changes_value(self, row: bytes, live: bytes) -> bool:
        if not self._target.fixed:
            return True
        changed = changed_columns(live, row)
        is_written = not changed <= self._target.fixed
        self._changes.kept.update(self._kept(changed, is_written=is_written))
        return is_written

    def _kept(self, changed: set[str], *, is_written: bool) -> set[str]:
        kept = changed & self._target.fixed
        if not is_written:
            return kept
        sources = self._target.generated
        return {name for name in kept if changed.isdisjoint(sources.get(name, ()))}


class ClearPass(WritePass):
    """Before rows are written whose unique values changed places: counts what a WritePass would, and
    deletes of the rows to write those that are there and get another value in one of the `unique`
    columns, or all of them where these are None. The pass after it inserts them anew.
    """

    def __init__(
        self,
        target: Target,
        comparison: Comparison,
        changes: RowChanges,
        mode: RestoreMode,
        unique: Collection[str] | None,
    ) -> None:
        super().__init__(target, comparison, changes, mode)
        self._unique = unique

    def _use(self, rows: Sequence[tuple[bytes, bytes | None]]) -> None:
        moved = [row for row, live in rows if live is not None and self._moves(row, live)]
        if moved:
            self._target.deletion.of_rows(moved)

    def _kept(self, changed: set[str], *, is_written: bool) -> set[str]:
        # a row that is inserted anew gets all its values
        inserted = is_written and (self._unique is None or not changed.isdisjoint(self._unique))
        return set() if inserted else super()._kept(changed, is_written=is_written)

    def _moves(self, row: bytes, live: bytes) -> bool:
        return self._unique is None or not changed_columns(live, row).isdisjoint(self._unique)


class CheckPass:
    """After the rows are written and triggers may have changed them: counts those that are not as the
    backup has them, apart from the `ignored` columns.
    """

    def __init__(
        self,
        target: Target,
        comparison: Comparison,
        changes: RowChanges,
        ignored: Collection[str],
    ) -> None:
        self._target = target
        self._comparison = comparison
        self._changes = changes
        self._ignored = ignored

    def write(self, rows: Sequence[bytes]) -> None:
        self._count(self._comparison.add(rows))

    def finish(self) -> None:
        self._count(self._comparison.finish())

    def _count(self, ranges: Iterable[Found]) -> None:
        for row, live in (pair for found in ranges for pair in found.differing):
            if live is None:
                self._changes.altered += 1
            elif not changed_columns(row, live) <= self._target.fixed.union(self._ignored):
                self._changes.altered += 1
                self._changes.sample_altered(self._target.table.primary_key, row, live)


class SkippedPass:
    """The rest of a pass that is taken back; it starts over with the next one."""

    def write(self, rows: Sequence[bytes]) -> None:
        """Nothing is written."""

    def finish(self) -> None:
        """Nothing is under way."""
