"""`supakeep drill`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from supakeep.archive.reader import BackupReader
from supakeep.cli.command import FAILED, GOOD, PARTIAL
from supakeep.cli.completion import complete_backups
from supakeep.cli.drill_report import print_drill
from supakeep.cli.options import Identity, Source
from supakeep.cli.session import Session
from supakeep.cli.terminal import Terminal
from supakeep.domain.assertions import Assertion
from supakeep.domain.backup_name import LATEST
from supakeep.domain.drill import DrillReport
from supakeep.domain.run import new_run_id
from supakeep.ports import ObjectStore, ScratchServer
from supakeep.system import NoDeadline, SystemClock
from supakeep.usecases.choose_stores import every_store
from supakeep.usecases.drill_backup import DrillBackup
from supakeep.usecases.find_drilled import find_drilled
from supakeep.usecases.plan_drill import PlanDrill
from supakeep.usecases.record_drill import RecordDrill
from supakeep.usecases.recorded_drill import recorded_drill
from supakeep.wiring import with_secrets
from supakeep.wiring.scratch import Place, scratch_schemas, scratch_server

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

Into = Annotated[
    Place | None,
    typer.Option(
        help="Where it is restored: a PostgreSQL that is started for it (embedded), a database on the server "
        "of DRILL_DB_URL (database), or schemas beside the live ones, in the database of SUPABASE_DB_URL "
        "(schema). Default: database where DRILL_DB_URL is set, else embedded.",
    ),
]
Room = Annotated[
    int | None,
    typer.Option(
        metavar="MIB",
        min=1,
        help="--into schema: so much of the live database's disk may be taken at a time. Default: 100. What "
        "does not fit is drilled table by table, or by sample.",
    ),
]
_ROOM_MIB = 100


def run(  # noqa: PLR0913, PLR0917 - one for each option
    session: Session,
    name: Name = LATEST,
    source: Source = None,
    identity: Identity = None,
    assertions: AssertionsFile = None,
    into: Into = None,
    room: Room = None,
) -> int:
    """Restores the backup into a PostgreSQL that is started for it and thrown away, compares every row,
    and asks your own assertions. With DRILL_DB_URL it makes a database of its own on that server, and drops
    it; with --into schema, schemas of its own beside the live ones. No live table is touched. What that
    proves is recorded in the ledger beside the backups. A backup that there is no room for is drilled table
    by table, one drill after the other. Failed where a rung of the proof is, partial where a store could not
    record it, or where a table did not fit and was drilled by sample.
    """
    asked = session.assertions(assertions)
    server = _server(session, into, room)
    copies = session.copies(source)
    reader = find_drilled(copies.stores, name, copies.project, now=session.now())
    reader.decoder.unlock(session.identities(identity))
    # a copy that could not be looked at has a ledger too
    kept_in = copies.stores if copies.is_elsewhere else every_store(session.app)
    plan = PlanDrill(kept_in, reader.manifest.project, server, SystemClock(), NoDeadline())
    drills = list[DrillReport]()
    while not drills or _goes_on(drills):
        drills.append(_drill(session, reader, server, asked, plan, kept_in))
        # as JSON, the last one: those before are in the ledger
        if not session.terminal.as_json or not _goes_on(drills):
            _print(session.terminal, drills[-1])
    if not all(report.is_whole for report in drills):
        return FAILED
    is_recorded = not any(report.unrecorded for report in drills)
    return GOOD if is_recorded and drills[-1].restores else PARTIAL


def _server(session: Session, into: Place | None, room: int | None) -> ScratchServer:
    if into is Place.SCHEMA:
        return scratch_schemas(session.app.settings, (room or _ROOM_MIB) * 1024 * 1024)
    if room is not None:
        raise typer.BadParameter("--room belongs to --into schema")
    return scratch_server(with_secrets(session.environment), into)


def _goes_on(drills: Sequence[DrillReport]) -> bool:
    """Whether there is more to drill: where no ledger takes the drills, each would do the same again."""
    left = [len(drill.portion.left) for drill in drills if drill.portion]
    return drills[-1].goes_on and left[-1] < (left[-2] if len(left) > 1 else left[-1] + 1)


def _drill(
    session: Session,
    reader: BackupReader,
    server: ScratchServer,
    asked: Sequence[Assertion],
    plan: PlanDrill,
    kept_in: Sequence[ObjectStore],
) -> DrillReport:
    """Drills the backup, or the portion of it that is next, and records that. Of one that breaks off, what is
    known is printed before the error.
    """
    record = RecordDrill(kept_in, session.keyring, session.clock)
    broken = list[DrillReport]()
    try:
        with session.progress() as progress:
            progress.expect({entry.name: entry.rows for entry in reader.manifest.tables})
            drill = DrillBackup(server, asked, SystemClock(), NoDeadline(), progress, plan)
            return recorded_drill(drill, record, reader, new_run_id(session.now()), broken.append)
    finally:
        # as JSON, the error is all that is printed
        for report in broken if not session.terminal.as_json else ():
            print_drill(session.terminal, report)


def _print(terminal: Terminal, report: DrillReport) -> None:
    if terminal.as_json:
        terminal.json(report)
    else:
        print_drill(terminal, report)
