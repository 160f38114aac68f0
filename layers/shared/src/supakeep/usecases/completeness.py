"""Whether an export has every row that it must have."""

from __future__ import annotations

from supakeep.domain.plan import Selection
from supakeep.errors import DatabaseError, ExportError
from supakeep.ports import Snapshot


def require_complete(snapshot: Snapshot, selection: Selection, exported: int) -> list[str]:
    """Counts the rows after their export; a sentence where rows were written meanwhile.

    Raises ExportError where rows are missing that nobody touched: a backup that lacks them must not
    count as good. The same goes for a table of which many rows changed between two pages: nobody
    knows which rows no page had. A count that fails costs nothing but its own sentence.
    """
    name = selection.table.qualified_name
    try:
        counted = _within_limit(selection, snapshot.count(selection))
        missing = exported < counted and exported < _untouched(snapshot, selection)
    except DatabaseError as exc:
        return [f"{name}: could not be counted afterwards: {exc.message}"]
    if missing:
        raise ExportError(
            f"Rows of {name} are missing: {exported} were exported, {counted} stand in the table, "
            "and they were not all written meanwhile",
            operation="export",
            key=name,
            hint="Back up again. If this table fails again, report the types of its primary key: "
            "its rows cannot be read in order.",
        )
    if _differ_widely(exported, counted) and not snapshot.read_at_once(selection):
        raise _changed_widely(name, exported, counted)
    if exported == counted:
        return []
    difference = f"{exported} rows exported, {counted} counted afterwards"
    return [f"{name}: {difference}; rows were written meanwhile"]


def _differ_widely(exported: int, counted: int) -> bool:
    """By more than a fifth, such as after a deletion of all rows, or where an update moved keys to
    before the page. A table that only grows, or is cleaned up, does not change so fast.
    """
    return 5 * min(exported, counted) < 4 * max(exported, counted)


def _changed_widely(name: str, exported: int, counted: int) -> ExportError:
    return ExportError(
        f"Many rows of {name} were written or deleted while it was backed up: {exported} were "
        f"exported, {counted} stand in the table",
        operation="export",
        key=name,
        hint="Other rows may have gone before they were read. Back up again.",
    )


def _untouched(snapshot: Snapshot, selection: Selection) -> int:
    return _within_limit(selection, snapshot.count_untouched(selection))


def _within_limit(selection: Selection, rows: int) -> int:
    limit = selection.policy.last_rows
    return rows if limit is None else min(rows, limit)
