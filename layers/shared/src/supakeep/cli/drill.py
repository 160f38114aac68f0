"""`supakeep drill`."""

from __future__ import annotations

from typing import Annotated

import typer

from supakeep.cli.command import FAILED, GOOD, PARTIAL
from supakeep.cli.completion import complete_backups
from supakeep.cli.drill_report import print_drill
from supakeep.cli.options import Identity, Source
from supakeep.cli.session import Session
from supakeep.domain.backup_name import LATEST
from supakeep.domain.run import new_run_id
from supakeep.system import NoDeadline, SystemClock
from supakeep.usecases.choose_stores import every_store
from supakeep.usecases.drill_backup import DrillBackup
from supakeep.usecases.find_drilled import find_drilled
from supakeep.usecases.record_drill import RecordDrill
from supakeep.wiring import with_secrets
from supakeep.wiring.scratch import scratch_server

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
    and asks your own assertions. With DRILL_DB_URL it makes a database of its own on that server, and drops
    it. No live table is touched. What that proves is recorded in the ledger
    beside the backups. Failed where a rung of the proof is, partial where a store could not record it.
    """
    asked = session.assertions(assertions)
    server = scratch_server(with_secrets(session.environment))
    copies = session.copies(source)
    reader = find_drilled(copies.stores, name, copies.project, now=session.now())
    reader.decoder.unlock(session.identities(identity))
    with session.progress() as progress:
        progress.expect({entry.name: entry.rows for entry in reader.manifest.tables})
        drill = DrillBackup(server, asked, SystemClock(), NoDeadline(), progress)
        started_at = session.now()
        report = drill(reader)
    # a copy that could not be looked at has a ledger too
    kept_in = copies.stores if copies.is_elsewhere else every_store(session.app)
    record = RecordDrill(kept_in, session.keyring, session.clock)
    run_id = new_run_id(started_at)
    report = record(report, reader.manifest, run=run_id, started_at=started_at)
    if session.terminal.as_json:
        session.terminal.json(report)
    else:
        print_drill(session.terminal, report)
    if not report.is_whole:
        return FAILED
    return PARTIAL if report.unrecorded else GOOD
