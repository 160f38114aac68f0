"""`supakeep verify`."""

from __future__ import annotations

import argparse

from supakeep.cli.command import GOOD, PARTIAL, Command
from supakeep.cli.options import add_name, add_source
from supakeep.cli.session import Session
from supakeep.cli.terminal import Terminal, size_text
from supakeep.system import NoDeadline
from supakeep.usecases.verify_backup import VerifyBackup, VerifyReport


def _options(parser: argparse.ArgumentParser) -> None:
    add_name(parser)
    add_source(parser)


def _run(session: Session) -> int:
    """Needs no database: failed, with the object's name, at the first damage that no other copy
    makes good; partial where one does.
    """
    with session.progress() as progress:
        report = VerifyBackup(NoDeadline(), progress)(session.find_backup())
    _print(session.terminal, report)
    return PARTIAL if report.warnings else GOOD


def _print(terminal: Terminal, report: VerifyReport) -> None:
    if terminal.as_json:
        terminal.json(report)
        return
    rows = sum(report.tables.values())
    terminal.line(
        f"{report.backup} is good: {_objects(report.volumes)}, {size_text(report.bytes)}, "
        f"{rows:,} rows in {len(report.tables)} tables, read from {report.read_from}"
    )
    for warning in report.warnings:
        terminal.notice(warning)


def _objects(number: int) -> str:
    return "1 object" if number == 1 else f"{number:,} objects"


COMMAND = Command("verify", "Read a whole backup and check every checksum.", _options, _run)
