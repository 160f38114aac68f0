"""`supakeep schema diff`."""

from __future__ import annotations

from supakeep.cli.command import GOOD, PARTIAL
from supakeep.cli.diff import After, both_sides
from supakeep.cli.options import Identity, Name, Source
from supakeep.cli.session import Session
from supakeep.cli.terminal import Terminal
from supakeep.domain.definitions_diff import DefinitionChange, DefinitionsDiff, DefinitionStatus
from supakeep.system import NoDeadline
from supakeep.usecases.diff_definitions import diff_of_backups, diff_with_database

_SIGNS = {
    DefinitionStatus.ADDED: ("+", "green"),
    DefinitionStatus.REMOVED: ("-", "red"),
    DefinitionStatus.CHANGED: ("~", "yellow"),
}


def run(
    session: Session,
    name: Name,
    newer: After = None,
    source: Source = None,
    identity: Identity = None,
) -> int:
    """Partial where `latest` passed over a newer backup, or a copy is damaged."""
    before, after = both_sides(session, name, newer, source, identity)
    with session.progress() as progress:
        progress.phase("comparing")
        if after is not None:
            report = diff_of_backups(before, after, NoDeadline())
        else:
            app = session.app
            report = diff_with_database(before, app.database, app.destination, NoDeadline())
    _print(session.terminal, report)
    return PARTIAL if report.warnings else GOOD


def _print(terminal: Terminal, report: DefinitionsDiff) -> None:
    if terminal.as_json:
        terminal.json(report)
        return
    after = f"the database {report.after}" if report.after_is_database else report.after
    terminal.line(f"From {report.before} to {after}")
    for change in report.changes:
        _print_change(terminal, change)
    unchanged = f"{report.same:,} {'object is' if report.same == 1 else 'objects are'} as before"
    terminal.line(unchanged if report.changes else f"Nothing changed: {unchanged}.")
    for warning in report.warnings:
        terminal.notice(warning)


def _print_change(terminal: Terminal, change: DefinitionChange) -> None:
    """The object, and the lines that changed; all of what was added or removed would be too much."""
    sign, style = _SIGNS[change.status]
    terminal.item(f"{sign} {change}", style)
    if change.status is not DefinitionStatus.CHANGED:
        return
    for line in change.removed_lines:
        terminal.entry(f"- {line.strip()}")
    for line in change.added_lines:
        terminal.entry(f"+ {line.strip()}")
