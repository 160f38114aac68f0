"""`supakeep diff`."""

from __future__ import annotations

from functools import cache
from typing import Annotated

import typer

from supakeep.archive.reader import BackupReader
from supakeep.cli.command import GOOD, PARTIAL
from supakeep.cli.completion import complete_backups
from supakeep.cli.diff_report import print_diff
from supakeep.cli.options import Identity, Name, Source
from supakeep.cli.session import Session
from supakeep.domain.backup_diff import DiffReport
from supakeep.usecases.diff_backups import DiffBackups
from supakeep.usecases.diff_sides import BackupSide, database_side

After = Annotated[
    str | None,
    typer.Argument(
        metavar="NEWER",
        help="The backup to compare it with. Without it: the database as it is now.",
        autocompletion=complete_backups,
    ),
]
Rows = Annotated[bool, typer.Option("--rows", help="Show rows, with their old and new values.")]
Limit = Annotated[
    int, typer.Option(min=1, metavar="N", help="With --rows: so many rows of each table.")
]


def run(  # noqa: PLR0913 - one for each option
    session: Session,
    name: Name,
    newer: After = None,
    source: Source = None,
    limit: Limit = 20,
    identity: Identity = None,
    *,
    rows: Rows = False,
) -> int:
    """Partial where a table could not be read, or `latest` passed over a newer backup."""
    before, after = both_sides(session, name, newer, source, identity)
    report = _compared(session, before, after, most_rows=limit if rows else 0)
    print_diff(session.terminal, report, with_rows=rows)
    return GOOD if report.is_whole and not report.warnings else PARTIAL


def both_sides(
    session: Session, name: str, newer: str | None, source: str | None, identity: str | None
) -> tuple[BackupReader, BackupReader | None]:
    """The backups to compare, readable with the private keys; without a newer one, the database is."""
    copies = session.copies(source)
    before = copies.find(name, session.now())
    after = None if newer is None else copies.find(newer, session.now())
    identities = cache(session.identities(identity))
    for found in (before, after):
        if found is not None:
            found.decoder.unlock(identities)
    return before, after


def _compared(
    session: Session, before: BackupReader, after: BackupReader | None, *, most_rows: int
) -> DiffReport:
    with session.progress() as progress:
        progress.phase("comparing")
        diff = DiffBackups(progress, most_rows)
        if after is not None:
            return diff(before, BackupSide(after))
        app = session.app
        with database_side(app.database, app.destination, before.manifest) as side:
            return diff(before, side)
