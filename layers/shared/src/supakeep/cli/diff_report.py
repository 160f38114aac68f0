"""What `supakeep diff` prints."""

from __future__ import annotations

from supakeep.cli.terminal import Terminal
from supakeep.domain.backup_diff import DiffReport, DiffStatus, RowDifference, TableDiff

_HEAD = ("TABLE", "STATUS", "BEFORE", "AFTER", "ADDED", "REMOVED", "CHANGED")
_SIGNS = {"added": ("+", "green"), "removed": ("-", "red"), "changed": ("~", "yellow")}


def print_diff(terminal: Terminal, report: DiffReport, *, with_rows: bool) -> None:
    if terminal.as_json:
        terminal.json(report)
        return
    _print_tables(terminal, report)
    for table in report.tables if with_rows else ():
        _print_rows(terminal, table)
    for table in report.tables:
        for note in table.notes if table.status is not DiffStatus.SAME else ():
            terminal.notice(f"{table.table}: {note}")
    for warning in report.warnings:
        terminal.notice(warning)


def _print_tables(terminal: Terminal, report: DiffReport) -> None:
    after = f"the database {report.after}" if report.after_is_database else report.after
    terminal.line(f"From {report.before} to {after}")
    same = [table.table for table in report.tables if table.status is DiffStatus.SAME]
    others = [table for table in report.tables if table.status is not DiffStatus.SAME]
    if others:
        terminal.columns(_HEAD, [_cells(table) for table in others])
    if same:
        terminal.line(f"{'Unchanged' if others else 'Nothing changed'}: {', '.join(same)}")


def _cells(table: TableDiff) -> tuple[str, ...]:
    counts = (
        *(table.rows_before, table.rows_after),
        *(table.added, table.removed, table.changed),
    )
    return (
        table.table,
        table.status,
        *("" if count is None else f"{count:,}" for count in counts),
    )


def _print_rows(terminal: Terminal, table: TableDiff) -> None:
    if not table.rows:
        return
    terminal.line("")
    terminal.line(table.table, "bold")
    for row in table.rows:
        _print_row(terminal, row)
    total = (table.added or 0) + (table.removed or 0) + (table.changed or 0)
    if (left := total - len(table.rows)) > 0:
        number = "1 more row differs" if left == 1 else f"{left:,} more rows differ"
        terminal.line(f"  … {number}; --limit {total} shows all")


def _print_row(terminal: Terminal, row: RowDifference) -> None:
    sign, style = _SIGNS[row.change]
    key = ", ".join(f"{name}={value}" for name, value in row.key.items())
    terminal.line(f"{sign} {key}", style)
    if row.change == "changed":
        for name, (old, new) in row.columns.items():
            terminal.entry(f"{name} {old} -> {new}")
        return
    values = (f"{name}={old if new is None else new}" for name, (old, new) in row.columns.items())
    if text := ", ".join(values):
        terminal.entry(text)
