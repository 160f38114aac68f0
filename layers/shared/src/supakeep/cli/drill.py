"""`supakeep drill`."""

from __future__ import annotations

from typing import Annotated

import typer

from supakeep.cli.command import FAILED, GOOD
from supakeep.cli.completion import complete_backups
from supakeep.cli.drill_report import print_drill
from supakeep.cli.options import Identity, Source
from supakeep.cli.session import Session
from supakeep.domain.backup_name import LATEST
from supakeep.system import NoDeadline, SystemClock
from supakeep.usecases.drill_backup import DrillBackup
from supakeep.usecases.find_drilled import find_drilled
from supakeep.wiring.scratch import embedded_server

Name = Annotated[
    str,
    typer.Argument(
        metavar="[NAME]",
        help="A backup's name, 'latest', which is the default, or 'random'.",
        autocompletion=complete_backups,
    ),
]
AssertionsFile = Annotated[
    str | None,
    typer.Option(
        "--assertions",
        metavar="FILE",
        help="Queries that must hold of the restored rows. Default: drills.sql beside supakeep.toml.",
    ),
]


def run(
    session: Session,
    name: Name = LATEST,
    source: Source = None,
    identity: Identity = None,
    assertions: AssertionsFile = None,
) -> int:
    """Restores the backup into a PostgreSQL that is started for it and thrown away, compares every row,
    and asks your own assertions. No other database is touched. Failed where a rung of the proof is.
    """
    asked = session.assertions(assertions)
    copies = session.copies(source)
    reader = find_drilled(copies.stores, name, copies.project, now=session.now())
    reader.decoder.unlock(session.identities(identity))
    with session.progress() as progress:
        progress.expect({entry.name: entry.rows for entry in reader.manifest.tables})
        drill = DrillBackup(embedded_server(), asked, SystemClock(), NoDeadline(), progress)
        report = drill(reader)
    if session.terminal.as_json:
        session.terminal.json(report)
    else:
        print_drill(session.terminal, report)
    return GOOD if report.is_whole else FAILED
