"""`supakeep undo`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from supakeep.archive.verified_store import accepting_unsigned
from supakeep.cli.completion import complete_runs
from supakeep.cli.options import AllowUnsigned, Confirm, DryRun, Identity, Source, Tables
from supakeep.cli.restore import run_restore
from supakeep.cli.session import Session
from supakeep.domain.manifest import Manifest
from supakeep.domain.restore import RestoreRequest
from supakeep.domain.row_changes import RestoreMode
from supakeep.ports import ObjectStore
from supakeep.usecases.find_undo import (
    find_last_undo,
    find_undo,
    find_undo_by_name,
    tables_restored,
)
from supakeep.usecases.track_runs import TrackRuns

RunId = Annotated[
    str | None,
    typer.Argument(
        metavar="RUN",
        help="The ID of the restore's run, or the name of its undo copy (`supakeep list` has both).",
        autocompletion=complete_runs,
    ),
]
Last = Annotated[bool, typer.Option("--last", help="Undo the newest restore.")]


def run(  # noqa: PLR0913 - one for each option
    session: Session,
    restore: RunId = None,
    source: Source = None,
    table: Tables = None,
    confirm: Confirm = None,
    identity: Identity = None,
    *,
    last: Last = False,
    dry_run: DryRun = False,
    allow_unsigned: AllowUnsigned = False,
) -> int:
    """Restores the tables of a restore run, or some of them, as they were before it."""
    if last is (restore is not None):
        raise typer.BadParameter("name the run of one restore, or give --last for the newest")
    if last and allow_unsigned:
        raise typer.BadParameter("name the run of one restore with --allow-unsigned")
    copies = session.copies(source)
    stores = accepting_unsigned(copies.stores) if allow_unsigned else copies.stores
    kept = _undo_copy(session, stores, restore)
    request = RestoreRequest(
        name=kept.backup,
        confirm=confirm,
        tables=tuple(table or ()) or tables_restored(TrackRuns.of(session.app), kept),
        dry_run=dry_run,
        mode=RestoreMode.REPLACE,
        allow_unsigned=allow_unsigned,
    )
    return run_restore(session, copies, request, identity)


def _undo_copy(session: Session, stores: Sequence[ObjectStore], restore: str | None) -> Manifest:
    if restore is None:
        return find_last_undo(stores, session.app.ref, session.now())
    find = find_undo_by_name if restore.startswith("backup_") else find_undo
    return find(stores, restore, session.app.ref)
