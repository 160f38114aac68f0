"""`supakeep backup`."""

from __future__ import annotations

from typing import Annotated

import typer

from supakeep.cli.command import GOOD, PARTIAL
from supakeep.cli.completion import complete_tables
from supakeep.cli.session import Session
from supakeep.cli.show import print_backup
from supakeep.domain.run import Run, RunKind, RunStatus
from supakeep.domain.summary import BackupSummary
from supakeep.usecases.audited_run import audited
from supakeep.usecases.run_backup import RunBackup

To = Annotated[
    str | None,
    typer.Option(
        metavar="WHERE", help="A folder or s3://bucket, instead of Storage and the mirror."
    ),
]
AcceptShrink = Annotated[
    list[str] | None,
    typer.Option(
        metavar="TABLE",
        help="This table may have lost rows since the backup before; may be repeated.",
        autocompletion=complete_tables,
    ),
]


def run(session: Session, to: To = None, accept_shrink: AcceptShrink = None) -> int:
    """Backs up into Storage and the mirror, or into the folder of --to."""
    folder = session.store_at(to) if to else None
    session.show_policy()
    with session.progress() as progress:
        back_up = RunBackup(session.app, watcher=progress)
        asked = session.new_run(RunKind.BACKUP)

        def work() -> Run:
            return back_up(asked, folder=folder, accept_shrink=accept_shrink or ())

        # a folder changes nothing in the project, whose stores hold the audit log
        own = folder is None
        run = audited(session.app, asked, work, notifier=session.app.notifier) if own else work()
    if isinstance(run.result, BackupSummary):
        print_backup(session.terminal, run.result)
    return GOOD if run.status is RunStatus.COMPLETE else PARTIAL
