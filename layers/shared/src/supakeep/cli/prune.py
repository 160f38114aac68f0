"""`supakeep prune`."""

from __future__ import annotations

from typing import Annotated

import typer

from supakeep.cli.command import GOOD, PARTIAL
from supakeep.cli.options import Source
from supakeep.cli.session import Session
from supakeep.cli.terminal import Terminal
from supakeep.domain.measures import size_text
from supakeep.domain.prune import PrunedBackup, PruneReport
from supakeep.domain.run import Run, RunKind, RunStatus
from supakeep.domain.swept_files import SweptFiles
from supakeep.usecases.audited_run import audited
from supakeep.usecases.run_prune import RunPrune

DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would be removed, and why.")]


def run(session: Session, source: Source = None, *, dry_run: DryRun = False) -> int:
    """Partial where a store could not be pruned to the end, or nothing may be removed now."""
    session.show_policy()
    prune, asked, copies = (
        RunPrune(session.app),
        session.new_run(RunKind.PRUNE),
        session.copies(source),
    )

    def work() -> Run:
        return prune(asked, dry_run=dry_run, stores=copies.stores)

    own = not (dry_run or copies.is_elsewhere)
    run = audited(session.app, asked, work) if own else work()
    if isinstance(run.result, PruneReport):
        print_decisions(session.terminal, run.result)
    return GOOD if run.status is RunStatus.COMPLETE else PARTIAL


def print_decisions(terminal: Terminal, report: PruneReport) -> None:
    """What is kept and what goes, and why."""
    if terminal.as_json:
        terminal.json(report)
        return
    if report.held:
        terminal.notice(report.held.message, report.held.hint)
    removed = "would be removed" if report.dry_run else "removed"
    decisions = [
        (b.name, removed if b.removed else "kept", size_text(b.bytes), b.reason, stores)
        for b, stores in _decisions(report)
    ]
    if decisions:
        terminal.columns(("BACKUP", "DECISION", "SIZE", "WHY", "IN"), decisions)
    elif not report.problems:
        terminal.line("There are no backups to prune.")
    for store in report.stores:
        if store.files is not None:
            _print_files(terminal, store.store, store.files, removed)
    _print_problems(terminal, report)


def _print_files(terminal: Terminal, store: str, files: SweptFiles, removed: str) -> None:
    if files.problem:
        terminal.notice(f"{store}: {files.problem.message}", files.problem.hint)
    counts = f"{files.removed:,} {removed} ({size_text(files.removed_bytes)}), {files.kept:,} kept"
    if files.waits and files.removed:
        terminal.line(f"Files in {store}: {counts}; no more now, because {files.waits}")
    elif files.waits:
        terminal.line(f"Files in {store}: none removed now, because {files.waits}")
    elif files.removed or files.kept:
        terminal.line(f"Files in {store}: {counts}")


def _print_problems(terminal: Terminal, report: PruneReport) -> None:
    for differing in report.differing:
        terminal.notice(differing.message, differing.hint)
    for name, unread in report.unread_ledgers.items():
        message = f"The ledger of {name} could not be listed: {unread.message}"
        terminal.notice(message, unread.hint)
    for store in report.stores:
        if store.problem:
            problem = store.problem
            terminal.notice(f"{store.store}: {problem.message}", problem.hint)


def _decisions(report: PruneReport) -> list[tuple[PrunedBackup, str]]:
    """Each decision with the stores that it is the same in, newest backup first."""
    stores: dict[PrunedBackup, list[str]] = {}
    for store in report.stores:
        for backup in store.backups:
            stores.setdefault(backup, []).append(store.store)
    newest_first = sorted(stores, key=lambda backup: backup.name, reverse=True)
    return [(backup, ", ".join(stores[backup])) for backup in newest_first]
