"""`supakeep download`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import typer

from supakeep.cli.command import GOOD, PARTIAL
from supakeep.cli.options import Name, Source
from supakeep.cli.progress import BYTES, Display
from supakeep.cli.session import Session
from supakeep.cli.terminal import Terminal
from supakeep.domain.measures import size_text
from supakeep.usecases.download_backup import DownloadBackup, DownloadReport

To = Annotated[
    str,
    typer.Option(metavar="DIR", help="The folder, which --from reads afterwards; or s3://bucket."),
]


def run(session: Session, name: Name, to: To, source: Source = None) -> int:
    """Partial where a copy was damaged and another one gave the object, or where `latest` passed over
    a newer backup.
    """
    target = session.store_at(to)
    copies = session.copies(source)
    found = copies.find(name, session.now())
    with session.progress(BYTES) as display:
        report = DownloadBackup(target, Transfers(display))(found)
    if not copies.is_elsewhere:
        session.record("download", report.backup)
    _print(session.terminal, report)
    return PARTIAL if report.warnings else GOOD


class Transfers:
    """Shows objects where a display shows tables."""

    def __init__(self, display: Display) -> None:
        self._display = display

    def expect(self, sizes: Mapping[str, int]) -> None:
        self._display.expect({_short(key): size for key, size in sizes.items()})

    def moved(self, key: str, size_bytes: int, status: str) -> None:
        self._display.table(_short(key), size_bytes, status)


def _short(key: str) -> str:
    return key.rpartition("/")[2]


def _print(terminal: Terminal, report: DownloadReport) -> None:
    if terminal.as_json:
        terminal.json(report)
        return
    source = " and ".join(report.read_from)
    kept = f", {report.already_there:,} already there" if report.already_there else ""
    origin = f", read from {source}" if source else ""
    terminal.line(
        f"{report.backup} is in {report.to}: {report.objects:,} objects{kept}, "
        f"{size_text(report.bytes)}{origin}; every checksum is right"
    )
    for warning in report.warnings:
        terminal.notice(warning)
