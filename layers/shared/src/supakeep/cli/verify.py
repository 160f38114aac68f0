"""`supakeep verify`."""

from __future__ import annotations

from typing import Annotated

import typer

from supakeep.cli.command import GOOD, PARTIAL
from supakeep.cli.options import Identity, Name, Source
from supakeep.cli.session import Session
from supakeep.cli.terminal import Terminal
from supakeep.domain.measures import size_text
from supakeep.domain.verification import VerificationReport, VerifiedContents
from supakeep.system import NoDeadline
from supakeep.usecases.verify_backup import VerifyBackup
from supakeep.usecases.verify_files import VerifyFiles

Deep = Annotated[
    bool,
    typer.Option(
        "--deep",
        help="Also read every byte of Storage's files; fail where an encrypted backup cannot be opened.",
    ),
]


def run(
    session: Session,
    name: Name,
    source: Source = None,
    identity: Identity = None,
    *,
    deep: Deep = False,
) -> int:
    """Needs no database: failed, with the object's name, at the first damage that no other copy
    makes good; partial where one does, or where a copy is missing.
    """
    found = session.copies(source).find(name, session.now())
    found.decoder.unlock(session.identities(identity))
    # who gives an identity wants the rows to be read
    read_rows = deep or identity is not None
    files = VerifyFiles(NoDeadline(), deep)
    with session.progress() as progress:
        progress.expect({entry.name: entry.rows for entry in found.manifest.tables})
        report = VerifyBackup(NoDeadline(), progress, read_rows, files)(found)
    if session.terminal.as_json:
        session.terminal.json(report)
    else:
        print_verification(session.terminal, report)
    return GOOD if report.is_whole and not report.warnings else PARTIAL


def print_verification(terminal: Terminal, report: VerificationReport) -> None:
    """What is good, and what is wrong with each other copy."""
    terminal.line(
        f"{report.backup} is good: {_objects(report.objects)}, {size_text(report.bytes)}, "
        f"{_contents(report)}; {_copies(report.good_in)}"
    )
    if report.files:
        how = "read" if report.files_read else "looked for, not read (--deep reads them)"
        terminal.line(f"{report.files:,} objects of Storage's files were {how}")
    if not report.contents_read:
        terminal.notice(
            "Its objects are as they were written. It is encrypted, and its rows were not read",
            "give its private key with --identity to read them",
        )
    for warning in report.warnings:
        terminal.notice(warning)
    for copy in report.copies:
        if copy.problem is not None:
            terminal.notice(f"{copy.store}: {copy.problem.message}", copy.problem.hint)


def _contents(report: VerifiedContents) -> str:
    if not report.contents_read:
        return "not decrypted"
    return f"{sum(report.tables.values()):,} rows in {_tables(len(report.tables))}"


def _tables(number: int) -> str:
    return "1 table" if number == 1 else f"{number:,} tables"


def _copies(good_in: tuple[str, ...]) -> str:
    if not good_in:
        return "no copy is whole, but together they are"
    return f"whole in {' and '.join(good_in)}"


def _objects(number: int) -> str:
    return "1 object" if number == 1 else f"{number:,} objects"
