"""What a rebuild prints at its end: what came back, what did not, and what is left to do by hand."""

from __future__ import annotations

from supakeep.cli.terminal import Terminal
from supakeep.domain.measures import size_text
from supakeep.domain.rebuild import RebuildReport
from supakeep.domain.restored_files import RestoredFiles


def print_rebuild(terminal: Terminal, report: RebuildReport) -> None:
    """Prints the report for a person."""
    resumed = ", which an earlier run had begun" if report.resumed else ""
    terminal.line(f"{report.backup}, rebuilt in {report.into}{resumed}")
    made = ", ".join(f"{number:,} {kind}" for kind, number in report.definitions.items())
    terminal.item(f"definitions: {made or 'none'}")
    if report.already_there:
        terminal.item(f"there already: {', '.join(report.already_there)}")
    for table in report.tables:
        written = f"{table.written:,} of {table.rows_in_backup:,} rows written"
        terminal.item(f"{table.name}: {written}, {table.rows_in_database or 0:,} there now")
    if report.files is not None:
        terminal.item(_files(report.files))
    for warning in report.warnings:
        terminal.notice(warning)
    for lost in report.not_rebuilt:
        terminal.notice(f"Not rebuilt: {lost.what}: {lost.why}", lost.hint)
    terminal.line("What no backup holds, to be done by hand:")
    for left in report.by_hand:
        terminal.item(f"{left.what}: {left.how}")


def _files(files: RestoredFiles) -> str:
    written = files.missing + files.changed - files.refused
    return (
        f"files: {written:,} of {files.in_backup:,} written ({size_text(files.bytes)} in all), "
        f"{len(files.buckets):,} buckets made"
    )
