"""What a drill has proven, as lines."""

from __future__ import annotations

from collections.abc import Iterator

from supakeep.cli.terminal import Terminal
from supakeep.domain.drill import BrokenOff, DrillReport, RungOutcome, RungReport
from supakeep.domain.measures import size_text
from supakeep.domain.portion import Portion

_STYLES = {RungOutcome.PROVEN: "green", RungOutcome.FAILED: "bold red"}
_NOUNS = ("tables", "rows", "definitions", "objects", "bytes", "copies", "assertions")
_ONE = {"copies": "copy"}


def print_drill(terminal: Terminal, report: DrillReport) -> None:
    """Prints what a drill has proven, a line for each rung, and what it has not."""
    server = f" {report.server_version}" if report.server_version else ""
    terminal.line(f"{report.backup}, restored into {report.into}{server}")
    if report.portion is not None:
        terminal.item(f"{report.portion}, because {report.portion.why}")
    for rung in report.rungs:
        terminal.item(_rung_line(rung), _STYLES.get(rung.outcome))
        for problem in rung.problems if rung.outcome is RungOutcome.FAILED else ():
            terminal.entry(problem.message)
    for note in report.not_proven:
        terminal.item(f"not proven: {note.what} ({note.why})")
    if report.broken_off is not None:
        terminal.line(f"{_broken_off(report.broken_off)}: {report.broken_off.problem.message}")
    terminal.line(_conclusion(report))
    for failed in report.unrecorded:
        message = f"The ledger of {failed.store} lacks this drill: {failed.problem.message}"
        terminal.notice(message, failed.problem.hint)


def _rung_line(rung: RungReport) -> str:
    """Such as `restorable  proven     5 tables, 18,204 rows in 1.3 s`."""
    what = ", ".join(_figures(rung))
    if rung.outcome is RungOutcome.NOT_TRIED:
        what = "; ".join(problem.message for problem in rung.problems)
    elif what:
        what += f" in {_seconds(rung.milliseconds)}"
    return f"{rung.rung:<10}  {rung.outcome:<9}  {what}".rstrip()


def _figures(rung: RungReport) -> Iterator[str]:
    for noun in _NOUNS:
        if noun not in rung.figures:
            continue
        number = rung.figures[noun]
        if noun == "bytes":
            yield size_text(number)
        else:
            yield f"{number:,} {_ONE.get(noun, noun[:-1]) if number == 1 else noun}"


def _seconds(milliseconds: int) -> str:
    return f"{milliseconds / 1000:,.1f} s"


def _broken_off(broken: BrokenOff) -> str:
    return f"The drill broke off at the rung {broken.rung}, which says nothing about the backup"


def _conclusion(report: DrillReport) -> str:
    if report.came_back and report.portion is not None:
        return _conclusion_of(report.portion)
    if not report.restores:
        return "This backup is not proven to restore."
    if report.restore_milliseconds is None:
        return "This backup restores."
    return f"This backup restores: its rows came back in {_seconds(report.restore_milliseconds)}."


def _conclusion_of(portion: Portion) -> str:
    if portion.completes:
        return "This backup restores: this drill and those before it have proven every table."
    return (
        f"These rows came back. The backup as a whole is not proven: of its tables, {portion.rest}."
    )
