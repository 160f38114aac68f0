"""`supakeep undo`."""

from __future__ import annotations

import argparse

from supakeep.cli.command import Command
from supakeep.cli.options import add_confirmation, add_source, add_tables
from supakeep.cli.restore import run_restore
from supakeep.cli.session import Session
from supakeep.domain.manifest import Manifest
from supakeep.domain.restore import RestoreRequest
from supakeep.domain.row_changes import RestoreMode
from supakeep.usecases.find_undo import find_last_undo, find_undo, find_undo_by_name


def _options(parser: argparse.ArgumentParser) -> None:
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument(
        "restore",
        nargs="?",
        metavar="RUN",
        help="the ID of the restore's run, or the name of its undo copy (`supakeep list` has both)",
    )
    which.add_argument("--last", action="store_true", help="undo the newest restore")
    add_source(parser)
    add_tables(parser)
    add_confirmation(parser)


def _run(session: Session) -> int:
    """Restores the tables of a restore run, or some of them, as they were before it."""
    arguments = session.arguments
    request = RestoreRequest(
        name=_undo_copy(session).backup,
        confirm=arguments.confirm,
        tables=tuple(arguments.table) or None,
        dry_run=arguments.dry_run,
        mode=RestoreMode.REPLACE,
    )
    return run_restore(session, request)


def _undo_copy(session: Session) -> Manifest:
    restore: str | None = session.arguments.restore
    if restore is None:
        return find_last_undo(session.stores, session.app.ref)
    find = find_undo_by_name if restore.startswith("backup_") else find_undo
    return find(session.stores, restore, session.app.ref)


COMMAND = Command("undo", "Bring back what a restore overwrote.", _options, _run)
