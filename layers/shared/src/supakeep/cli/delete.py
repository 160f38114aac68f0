"""`supakeep delete`."""

from __future__ import annotations

from typing import Annotated

import typer

from supakeep.cli.command import GOOD, PARTIAL
from supakeep.cli.completion import complete_backups
from supakeep.cli.copies import Copies
from supakeep.cli.options import Source
from supakeep.cli.session import Session
from supakeep.cli.terminal import Terminal
from supakeep.domain.backup_name import BackupName
from supakeep.domain.deletion import DeletedStore, DeleteReport, require_confirmation
from supakeep.domain.measures import size_text
from supakeep.domain.run import RunKind
from supakeep.usecases.audited_run import audited
from supakeep.usecases.delete_backup import delete_backup
from supakeep.usecases.run_delete import RunDelete

# not `latest`: who deletes must say which one is meant
Name = Annotated[
    str,
    typer.Argument(metavar="NAME", help="A backup's name.", autocompletion=complete_backups),
]
Confirm = Annotated[
    str | None, typer.Option(metavar="REF", help="The ref of the project whose backup goes.")
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Show what would be removed, and remove nothing.")
]


def run(
    session: Session,
    name: Name,
    source: Source = None,
    confirm: Confirm = None,
    *,
    dry_run: DryRun = False,
) -> int:
    """Partial where an object could not be removed, such as a locked one."""
    backup = BackupName.parse(name)
    copies = session.copies(source)
    if not dry_run:
        _require_confirmation(session, backup, copies, confirm)
    report = _delete(session, backup, copies, dry_run=dry_run)
    print_deletion(session.terminal, report)
    return GOOD if report.is_whole else PARTIAL


def _require_confirmation(
    session: Session, backup: BackupName, copies: Copies, confirm: str | None
) -> None:
    ref = backup.project_ref
    if confirm is None:
        places = ", ".join(store.name for store in copies.stores)
        confirm = session.terminal.ask(
            f"This deletes {backup} from {places}, for good. Type {ref} to go on:"
        )
    require_confirmation(backup.text, ref, confirm)


def _delete(session: Session, backup: BackupName, copies: Copies, *, dry_run: bool) -> DeleteReport:
    if copies.is_elsewhere or dry_run:
        # a place that needs no project has no runs, and what only looks disturbs none
        return delete_backup(backup, copies.stores, session.now(), dry_run=dry_run)
    delete, asked = RunDelete(session.app), session.new_run(RunKind.DELETE)
    asked = asked.model_copy(update={"backup": backup.text})
    run = audited(session.app, asked, lambda: delete(asked, backup, copies.stores))
    assert isinstance(run.result, DeleteReport)  # noqa: S101 - a new run has done its work
    return run.result


def print_deletion(terminal: Terminal, report: DeleteReport) -> None:
    """What went from which store, and what did not."""
    if terminal.as_json:
        terminal.json(report)
        return
    for store in report.stores:
        terminal.line(f"{report.backup}: {_words(store, dry_run=report.dry_run)}")
        for key in store.removed:
            terminal.entry(key)
        if store.problem:
            left = f"{len(store.left):,} objects are left in {store.store}"
            terminal.notice(f"{left}: {store.problem.message}", store.problem.hint)


def _words(store: DeletedStore, *, dry_run: bool) -> str:
    verb = "would be removed" if dry_run else "removed"
    objects = f"{len(store.removed):,} object{'s' if len(store.removed) != 1 else ''}"
    return f"{objects} {verb} from {store.store} ({size_text(store.bytes)})"
