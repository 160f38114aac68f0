"""`supakeep download`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

import typer

from supakeep.cli.command import GOOD, PARTIAL
from supakeep.cli.files_report import print_downloaded
from supakeep.cli.options import Identity, Name, Source
from supakeep.cli.progress import BYTES, Display
from supakeep.cli.session import Session
from supakeep.cli.terminal import Terminal
from supakeep.domain.backed_up_files import BackedUpFiles
from supakeep.domain.file_choice import FileChoice
from supakeep.domain.measures import size_text
from supakeep.system import NoDeadline
from supakeep.usecases.download_backup import DownloadBackup, DownloadReport
from supakeep.usecases.download_files import DownloadFiles
from supakeep.wiring import folder_at

To = Annotated[
    str,
    typer.Option(metavar="DIR", help="The folder, which --from reads afterwards; or s3://bucket."),
]


@dataclass(frozen=True)
class _Download:
    """Which backup, from where, and where to."""

    name: str
    to: str
    source: str | None


Files = Annotated[
    list[str] | None,
    typer.Option(
        metavar="WHAT",
        help="Files of Storage under their own names, and nothing else: all, a bucket, BUCKET/FOLDER or "
        "BUCKET/FILE, or a pattern; may be repeated.",
    ),
]


def run(
    session: Session,
    name: Name,
    to: To,
    source: Source = None,
    files: Files = None,
    identity: Identity = None,
) -> int:
    """Partial where a copy was damaged and another one gave the object, where `latest` passed over a
    newer backup, or where a file could not be written.
    """
    if files:
        download = _Download(name, to, source)
        return _run_files(session, download, FileChoice((*files,)), identity)
    target = session.store_at(to)
    copies = session.copies(source)
    found = copies.find(name, session.now())
    with session.progress(BYTES) as display:
        report = DownloadBackup(target, Transfers(display))(found)
    if not copies.is_elsewhere:
        session.record("download", report.backup)
    _print(session.terminal, report, found.manifest.files)
    return PARTIAL if report.warnings else GOOD


def _run_files(
    session: Session, download: _Download, choice: FileChoice, identity: str | None
) -> int:
    folder = folder_at(download.to)
    copies = session.copies(download.source)
    reader = copies.find(download.name, session.now())
    reader.decoder.unlock(session.identities(identity))
    with session.progress(BYTES) as display:
        report = DownloadFiles(folder, reader, NoDeadline(), Transfers(display))(choice)
    if not copies.is_elsewhere:
        session.record("download", report.backup, "files")
    print_downloaded(session.terminal, report)
    return GOOD if report.is_whole and not report.warnings else PARTIAL


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


def _print(terminal: Terminal, report: DownloadReport, files: BackedUpFiles | None) -> None:
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
    if files and files.files:
        terminal.line(
            f"Its {files.files:,} files of Storage come with --files all into another folder."
        )
    for warning in report.warnings:
        terminal.notice(warning)
