"""What a restore prints at its end: the counts of each table, a few of its rows, and remarks."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from supakeep.cli.columns import aligned, widest
from supakeep.cli.files_report import print_files
from supakeep.cli.terminal import Terminal
from supakeep.domain.restore import RestoredTable, RestoreReport
from supakeep.domain.row_changes import ChangedRow, WholeRow

_HEAD = "TABLE|IN BACKUP|{written}|INSERTED|UPDATED|DELETED|UNCHANGED|REFUSED|IN DATABASE"


def print_report(terminal: Terminal, report: RestoreReport) -> None:
    """Prints the report for a person."""
    if report.files is not None:
        terminal.line(_head(report))
        print_files(terminal, report.files, dry_run=report.dry_run)
        for warning in (*report.passed_over, *report.warnings):
            terminal.notice(warning)
        return
    for line in (*_wrapped(_head(report), terminal.width), *_counts(report, terminal.width)):
        terminal.line(line)
    for table in report.tables:
        _print_samples(terminal, table)
        for refused in table.refused_rows:
            terminal.notice(f"{table.name} {refused.row}: {refused.reason}")
        _print_altered(terminal, table)
    for objection in report.objections:
        terminal.notice(f"Not compared: {objection.message}", objection.hint)
    for warning in (*report.passed_over, *report.warnings):
        terminal.notice(warning)


def _head(report: RestoreReport) -> str:
    schema = f"schema {report.into_schema} of " if report.into_schema else ""
    dry_run = ", dry run" if report.dry_run else ""
    return (
        f"{report.backup} into {schema}project {report.project}, read from {report.read_from}, "
        f"{'files' if report.files else f'mode {report.mode}'}{dry_run}"
    )


def _counts(report: RestoreReport, width: int) -> list[str]:
    """A table, or a sentence for each table of the backup if the terminal is too narrow for it."""
    written = "WOULD BE WRITTEN" if report.dry_run else "WRITTEN"
    head = _HEAD.format(written=written).split("|")
    lines = aligned([head, *map(_cells, report.tables)])
    if widest(lines) <= width:
        return lines
    return [line for table in report.tables for line in _narrow(table, report, width)]


def _cells(table: RestoredTable) -> tuple[str, ...]:
    numbers = (
        *(table.rows_in_backup, table.written, table.inserted, table.updated),
        *(table.deleted, table.unchanged, table.refused),
    )
    found = table.rows_in_database
    in_database = "not counted" if found is None else f"{found:,}"
    return (table.name, *(f"{number:,}" for number in numbers), in_database)


def _narrow(table: RestoredTable, report: RestoreReport, width: int) -> Iterator[str]:
    yield table.name
    inserted, updated, deleted = (
        ("to insert", "to update", "to delete")
        if report.dry_run
        else ("inserted", "updated", "deleted")
    )
    counts = {
        inserted: table.inserted,
        updated: table.updated,
        deleted: table.deleted,
        "unchanged": table.unchanged,
        "refused": table.refused,
    }
    shown = [f"{rows:,} {what}" for what, rows in counts.items() if rows]
    found = table.rows_in_database
    now = "rows in the database not counted" if found is None else f"{found:,} in the database"
    text = ", ".join([f"{table.rows_in_backup:,} in the backup", *shown, now])
    yield from _wrapped(f"  {text}", width)


def _print_samples(terminal: Terminal, table: RestoredTable) -> None:
    for row in table.inserted_rows:
        _print_values(terminal, f"{_key_of(table.name, row)} to insert", row)
    for changed in table.updated_rows:
        _print_changes(terminal, table.name, changed)
    for row in table.deleted_rows:
        _print_values(terminal, f"{_key_of(table.name, row)} to delete", row)


def _print_values(terminal: Terminal, head: str, row: WholeRow) -> None:
    """One line for the whole row, or as many below its head as its values fill."""
    values = [f"{column} {value}" for column, value in row.columns.items()]
    line = f"{head}: {', '.join(values)}" if values else head
    lines = [line] if len(line) <= terminal.width else [head, *_filled(values, terminal.width)]
    for line in lines:
        terminal.line(line)


def _filled(values: Sequence[str], width: int) -> Iterator[str]:
    """Indented lines; a value is never broken, whose blanks would be lost."""
    line = f"    {values[0]}" if values else ""
    for value in values[1:]:
        if len(line) + len(value) + 3 <= width:
            line += f", {value}"
            continue
        yield f"{line},"
        line = f"    {value}"
    yield line


def _print_altered(terminal: Terminal, table: RestoredTable) -> None:
    if not table.altered:
        return
    terminal.notice(
        f"{table.name}: {table.altered:,} of the rows written are not as the backup has them, "
        "because a trigger changed them. Examples (backup -> database):"
    )
    for row in table.altered_rows:
        if row.columns:
            _print_changes(terminal, table.name, row)
        else:
            terminal.line(f"{_key_of(table.name, row)} is no longer there")


def _key_of(table: str, row: ChangedRow | WholeRow) -> str:
    key = ", ".join(f"{name}={value}" for name, value in row.key.items())
    return f"  {table} {key or 'row'}"


def _print_changes(terminal: Terminal, table: str, row: ChangedRow) -> None:
    """One line for each changed column, or below the row's key if that is too wide."""
    key = _key_of(table, row)
    changes = [f"{column} {old} -> {new}" for column, (old, new) in row.columns.items()]
    lines = [f"{key}: {change}" for change in changes]
    if widest(lines) > terminal.width:
        lines = [key, *(_below_key(change, terminal.width) for change in row.columns.items())]
    for line in lines:
        terminal.line(line)


def _below_key(change: tuple[str, tuple[str, str]], width: int) -> str:
    column, (old, new) = change
    line = f"    {column} {old} -> {new}"
    return line if len(line) <= width else f"    {column} {old}\n      -> {new}"


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(
        text, width, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
    )
