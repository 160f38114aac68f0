"""`supakeep copy`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, cast

import typer

from supakeep.cli.command import FAILED, GOOD, PARTIAL
from supakeep.cli.completion import complete_backups
from supakeep.cli.download import Transfers
from supakeep.cli.progress import BYTES
from supakeep.cli.session import Session
from supakeep.cli.terminal import Terminal
from supakeep.domain.backup_name import LATEST, BackupName
from supakeep.domain.copy_report import CopiedFiles, CopiedStore, CopyReport
from supakeep.domain.measures import size_text
from supakeep.domain.run import RunKind
from supakeep.ports import ObjectStore
from supakeep.system import NoDeadline
from supakeep.usecases.choose_stores import every_store, stores_named
from supakeep.usecases.copy_backup import CopyBackup
from supakeep.usecases.copy_backups import CopyBackups, require_copies
from supakeep.usecases.find_backups import find_backup
from supakeep.usecases.run_copy import RunCopy, copying

Name = Annotated[
    str,
    typer.Argument(
        metavar="[NAME]",
        help="A backup's name, or 'latest', which is the default.",
        autocompletion=complete_backups,
    ),
]
All = Annotated[bool, typer.Option("--all", help="Every backup that the store's retention keeps.")]
To = Annotated[
    str | None,
    typer.Option(
        "--to", metavar="COPY", help="Only this store: primary, mirror, or a copy's name."
    ),
]
Deep = Annotated[
    bool,
    typer.Option(
        "--deep", help="Also read every file of Storage that the backup names, and mend it."
    ),
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Read and compare, show what would be copied.")
]


def run(
    session: Session,
    name: Name = LATEST,
    to: To = None,
    *,
    every: All = False,
    deep: Deep = False,
    dry_run: DryRun = False,
) -> int:
    """Reads every object in each store, and writes what is missing or damaged there from a store that
    has it right; files of Storage are compared by their sizes. Partial where that failed for a store.
    """
    if deep and every:
        raise typer.BadParameter("--deep reads the files of one backup: name it instead of --all")
    app = session.app
    stores = every_store(app)
    targets = stores_named(app, to)
    require_copies(stores)
    with session.progress(BYTES) as display:
        backup = None if every else _named(session, stores, name)
        if dry_run:
            copy_backup = copying(app, stores, NoDeadline(), Transfers(display), deep=deep)
            report = _looked_at(session, copy_backup, backup, targets)
        else:
            copy = RunCopy(app, transfers=Transfers(display), deep=deep)
            ended = copy(session.new_run(RunKind.COPY), None if backup is None else backup.text, to)
            report = cast("CopyReport", ended.result)
    print_copies(session.terminal, report)
    return _code(report)


def _looked_at(
    session: Session,
    copy: CopyBackup,
    backup: BackupName | None,
    targets: Sequence[ObjectStore],
) -> CopyReport:
    """What a copy would do; it needs no lease."""
    app = session.app
    copies = CopyBackups(copy, app.policy, app.ref)
    if backup is None:
        return copies.all(targets, session.now(), dry_run=True)
    return copies.one(backup, targets, dry_run=True)


def _named(session: Session, stores: Sequence[ObjectStore], name: str) -> BackupName:
    if name != LATEST:
        return BackupName.parse(name)
    return find_backup(stores, name, session.app.ref, now=session.now()).manifest.name


def _code(report: CopyReport) -> int:
    if report.is_whole:
        return GOOD
    states = {store.state for backup in report.backups for store in backup.stores}
    return PARTIAL if states - {"failed"} or not states else FAILED


def print_copies(terminal: Terminal, report: CopyReport) -> None:
    """What became of each backup in each store."""
    if terminal.as_json:
        terminal.json(report)
        return
    lines = [(b.backup, s.store, _words(s, report)) for b in report.backups for s in b.stores]
    terminal.columns(("BACKUP", "STORE", "COPY"), lines)
    for backup in report.backups:
        for store in backup.stores:
            if store.problem:
                message = f"{backup.backup}, {store.store}: {store.problem.message}"
                terminal.notice(message, store.problem.hint)
    for name, problem in report.unlisted.items():
        terminal.notice(f"{name} could not be listed: {problem.message}", problem.hint)


def _words(store: CopiedStore, report: CopyReport) -> str:
    if store.problem:
        return "failed"
    if store.kept_out:
        return f"left out: {store.kept_out}"
    if store.state == "whole":
        return "is whole"
    parts = [
        f"{len(keys):,} {what}"
        for keys, what in ((store.written, "missing"), (store.replaced, "damaged"))
        if keys
    ]
    verb = "would be copied" if report.dry_run else "copied"
    told = [f"{' and '.join(parts)} {verb} ({size_text(store.bytes)})"] if parts else []
    return "; ".join([*told, *_file_words(store.files, verb)])


def _file_words(files: CopiedFiles | None, verb: str) -> list[str]:
    if files is None or not (files.written or files.replaced):
        return []
    counts = ((files.written, "missing"), (files.replaced, "damaged"))
    parts = [f"{number:,} {what}" for number, what in counts if number]
    return [f"of its files {' and '.join(parts)} {verb} ({size_text(files.bytes)})"]
