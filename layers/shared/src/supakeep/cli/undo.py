"""`supakeep undo`."""

from __future__ import annotations

import argparse

from supakeep.cli.command import Command
from supakeep.cli.options import add_confirmation, add_source
from supakeep.cli.restore import run_restore
from supakeep.cli.session import Session
from supakeep.domain.restore import RestoreRequest
from supakeep.domain.row_changes import RestoreMode
from supakeep.domain.run import validated_run_id
from supakeep.usecases.find_backups import find_undo


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", help="the ID of the restore run")
    add_source(parser)
    add_confirmation(parser)


def _run(session: Session) -> int:
    """Restores the tables of a restore run as they were before it."""
    run_id = validated_run_id(session.arguments.run)
    manifest = find_undo(session.stores, run_id, session.app.ref)
    request = RestoreRequest(
        name=manifest.backup,
        confirm=session.arguments.confirm,
        dry_run=session.arguments.dry_run,
        mode=RestoreMode.REPLACE,
    )
    return run_restore(session, request)


COMMAND = Command("undo", "Bring back what a restore overwrote.", _options, _run)
