"""What a restore checks and counts after the last row is written."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from supakeep.domain.restore import RestoredTable
from supakeep.domain.row_changes import RestoreMode
from supakeep.domain.schema import Catalog, Table
from supakeep.errors import (
    DatabasePermissionError,
    DatabaseUnavailableError,
    RestoreError,
    StatementTimeoutError,
)
from supakeep.ports import AtomicTransaction, ForeignKeyViolation, TargetTransaction

log = logging.getLogger(__name__)


def advance_sequences(transaction: TargetTransaction, table: Table) -> list[str]:
    """Moves the table's sequences past the rows that were written; returns warnings, since what is
    written is written.
    """
    try:
        transaction.advance_sequences(table)
    except (DatabasePermissionError, StatementTimeoutError) as exc:
        log.warning("Sequences of %s were not advanced", table.qualified_name, exc_info=True)
        hint = f" {exc.hint}" if exc.hint else ""
        return [f"{table.qualified_name}: its sequences were not advanced: {exc.message}.{hint}"]
    return []


def check_foreign_keys(
    transaction: AtomicTransaction,
    tables: Sequence[Table],
    catalog: Catalog,
    restored: Sequence[RestoredTable],
) -> None:
    """Raises RestoreError where rows refer to rows that are missing now."""
    deleted = any(table.deleted for table in restored)
    violations = transaction.foreign_key_violations(tables, catalog, deleted=deleted)
    if violations:
        undone = "The restore was undone, because foreign keys would be violated: "
        raise RestoreError(
            undone + "; ".join(map(_sentence, violations)),
            operation="restore",
            key=violations[0].table,
            hint=_hint(violations),
            in_full=undone + "; ".join(map(_sentence_in_full, violations)),
        )


def count(transaction: TargetTransaction, table: Table) -> tuple[int | None, list[str]]:
    """How many rows the table has now, and warnings; None where they could not be counted."""
    try:
        return transaction.count_table(table), []
    except DatabaseUnavailableError as exc:
        # what is written is written, counted or not
        return None, [f"{table.qualified_name}: could not be counted: {exc.message}"]


def check_count(table: RestoredTable, mode: RestoreMode) -> None:
    """Raises RestoreError where the database holds other rows than were written: a rule or a
    trigger that always fires can keep rows back, or add some.
    """
    found = table.rows_in_database
    expected = table.rows_chosen if mode is RestoreMode.REPLACE else table.rows_at_least
    if found is None or expected is None or found == expected:
        return
    if mode is RestoreMode.REPLACE or found < expected:
        raise RestoreError(
            f"The restore was undone, because {table.name} would have {found:,} rows "
            f"instead of {expected:,}",
            operation="restore",
            key=table.name,
            hint="A rule or a trigger of the table changes what is written (ENABLE ALWAYS, or this "
            "role cannot switch triggers off). Disable it for the restore.",
        )


def _sentence(violation: ForeignKeyViolation) -> str:
    return (
        f"{violation.table}: {violation.rows:,} rows refer by {violation.constraint} to rows that "
        f"{violation.parent} lacks"
    )


def _sentence_in_full(violation: ForeignKeyViolation) -> str:
    return f"{_sentence(violation)}, for example {violation.example}"


def _hint(violations: Sequence[ForeignKeyViolation]) -> str:
    if any(violation.parent == "auth.users" for violation in violations):
        return (
            "These users no longer exist in Supabase Auth. Restore them first, if the backup has users "
            "(--auth all, or --auth with an ID), create them again with their old IDs (the Auth admin "
            "API accepts an id), or restore the rows of existing users only (--where)."
        )
    return "Restore the parents as well, or choose the rows whose parents exist (--where)."
