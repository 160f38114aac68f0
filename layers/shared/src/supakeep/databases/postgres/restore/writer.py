"""Writers of one table: pass after pass over the backup's rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import psycopg
from psycopg import errors

from supakeep.databases.postgres.errors import mapped_errors, report_of, without_values
from supakeep.databases.postgres.restore.deletion import DeletionAtOnce
from supakeep.databases.postgres.restore.passes import (
    CheckPass,
    ClearPass,
    DeletePass,
    InsertPass,
    Pass,
    SkippedPass,
    WritePass,
)
from supakeep.databases.postgres.restore.table_rows import TableOfBackup
from supakeep.databases.reported import Report
from supakeep.domain.row_changes import RestoreMode, RowChanges
from supakeep.errors import ConstraintViolationError

_CONFLICTS = (errors.UniqueViolation, errors.ExclusionViolation)


class KeyedWriter:
    """A table with a primary key. Rows come in batches, in the key's order.

    With `deletes`, the live rows that the backup lacks are deleted too. One pass is enough, unless
    unique values changed places between rows: then everything is taken back, what is in the way is
    cleared in a second pass, and the third one writes. Where triggers may fire, the last pass checks
    what they made of the rows.
    """

    def __init__(
        self,
        rows: TableOfBackup,
        mode: RestoreMode,
        *,
        deletes: bool,
        enforces_foreign_keys: bool,
    ) -> None:
        self._rows = rows
        self._mode = mode
        self._deletes = deletes
        self._enforces_foreign_keys = enforces_foreign_keys
        self._overwrites = mode is not RestoreMode.MISSING_ONLY and not rows.session.dry_run
        self._has_savepoint = self._may_start_over = False
        self._next: Callable[[], Pass] | None = None
        was_empty = rows.is_empty()
        self.changes = RowChanges(was_empty=was_empty)
        self._pass = self._first_pass(was_empty=was_empty)

    def write(self, rows: Sequence[bytes]) -> None:
        with mapped_errors("restore", self._rows.table.qualified_name):
            try:
                self._pass.write(self._rows.without_dropped(rows))
            except _CONFLICTS as exc:
                self._start_over(exc)

    def finish(self) -> bool:
        """Ends the pass; returns whether there is another one."""
        with mapped_errors("restore", self._rows.table.qualified_name):
            try:
                self._pass.finish()
            except _CONFLICTS as exc:
                self._start_over(exc)
            following = self._next or self._after_writing()
            if following is None:
                return False
            self._pass = following()
            return True

    def _first_pass(self, *, was_empty: bool) -> Pass:
        if was_empty:
            return InsertPass(self._rows.target, self.changes)
        constraints = self._rows.constraints
        if constraints.is_temporal and self._overwrites:
            why = "rows of a key WITHOUT OVERLAPS cannot be overwritten in place"
            self._check_movable(Report("", why))
            return self._clear_pass()
        if constraints.unique_columns and self._overwrites:
            self._has_savepoint = self._may_start_over = True
            self._rows.session.set_savepoint()
        return self._write_pass(self.changes, finds_extra=self._deletes)

    def _clear_pass(self) -> ClearPass:
        constraints = self._rows.constraints
        known = constraints.unique_columns <= set(self._rows.compared)
        unique = constraints.unique_columns if known and not constraints.is_temporal else None
        # nothing refers to the table here, so rows may go that would go last where keys are enforced
        finds_extra = self._mode is RestoreMode.REPLACE
        comparison = self._rows.comparison(finds_extra=finds_extra)
        # it has counted everything, and the next one finds the rows that it leaves
        self._next = lambda: self._write_pass(RowChanges(), finds_extra=False)
        return ClearPass(self._rows.target, comparison, self.changes, self._mode, unique)

    def _write_pass(self, changes: RowChanges, *, finds_extra: bool) -> WritePass:
        self._next = None
        is_temporal = self._rows.constraints.is_temporal
        overwritten = None if is_temporal else self._rows.overwritten(self._mode)
        self._rows.target.upsert.begin(overwritten)
        comparison = self._rows.comparison(finds_extra=finds_extra)
        return WritePass(self._rows.target, comparison, changes, self._mode)

    def _after_writing(self) -> Callable[[], Pass] | None:
        """The last pass, where triggers may have changed what was written."""
        session, self._may_start_over = self._rows.session, False
        if self._has_savepoint:
            self._has_savepoint = False
            session.release_savepoint()
        if not (session.triggers_fire and self._overwrites) or isinstance(self._pass, CheckPass):
            return None
        return self._check_pass

    def _check_pass(self) -> CheckPass:
        comparison = self._rows.comparison(finds_extra=False)
        return CheckPass(self._rows.target, comparison, self.changes, self._rows.retyped)

    def _start_over(self, exc: psycopg.Error) -> None:
        """Takes back what was written, since a unique value may become free; raises the error where
        it cannot.
        """
        if not self._may_start_over:
            raise exc
        self._may_start_over = False
        self._check_movable(report_of(exc), exc)
        self._rows.session.start_over()
        self.changes = RowChanges()
        self._pass = SkippedPass()
        self._next = self._clear_pass

    def _check_movable(self, why: Report, cause: psycopg.Error | None = None) -> None:
        """Raises ConstraintViolationError where a row cannot be deleted and inserted anew."""
        table = self._rows.table.qualified_name
        obstacle = None
        if self._enforces_foreign_keys and self._rows.constraints.is_referenced:
            obstacle = (
                "Other tables refer to it, and this role may not switch foreign keys off. Use a "
                "role that may set session_replication_role (postgres on Supabase)."
            )
        elif self._rows.added:
            obstacle = (
                "The backup has no value for its column "
                f"{', '.join(sorted(self._rows.added))}, whose values would be lost. Restore into "
                "a table without it (--into-schema), or free the value first."
            )
        if obstacle is not None:
            end = ", and its rows cannot be set aside"
            raise ConstraintViolationError(
                f"{table}: {why.without_values}{end}",
                operation="restore",
                key=table,
                hint=f"Nothing was written. {obstacle}",
                in_full=f"{table}: {why.in_full}{end}",
            ) from cause and without_values(cause)


class ExtraDeletion:
    """Deletes the rows that the backup does not have, after all tables are written: at once, since
    they may refer to each other. Rows that a foreign key of the table itself takes along are counted.
    """

    def __init__(self, rows: TableOfBackup) -> None:
        self._rows = rows
        self.changes = RowChanges()
        comparison = rows.comparison(finds_extra=True, read_ahead=False)
        self._deletion = DeletionAtOnce(rows.session, rows.table)
        target = rows.target._replace(deletion=self._deletion)
        self._pass = DeletePass(target, comparison, self.changes)
        self._before = 0 if rows.session.dry_run else rows.count()

    def write(self, rows: Sequence[bytes]) -> None:
        with mapped_errors("restore", self._rows.table.qualified_name):
            self._pass.write(self._rows.without_dropped(rows))

    def finish(self) -> bool:
        with mapped_errors("restore", self._rows.table.qualified_name):
            self._pass.finish()
            self._deletion.finish()
            if not self._rows.session.dry_run:
                self.changes.deleted = self._before - self._rows.count()
        return False


class KeylessWriter:
    """A table without a primary key: what is there goes, what the backup has comes."""

    def __init__(self, rows: TableOfBackup) -> None:
        self._rows = rows
        self.changes = RowChanges(was_empty=rows.is_empty())
        self._pass = InsertPass(rows.target, self.changes)
        if not self.changes.was_empty:
            rows.target.deletion.all(self.changes)

    def write(self, rows: Sequence[bytes]) -> None:
        with mapped_errors("restore", self._rows.table.qualified_name):
            self._pass.write(self._rows.without_dropped(rows))

    def finish(self) -> bool:
        with mapped_errors("restore", self._rows.table.qualified_name):
            self._pass.finish()
        return False
