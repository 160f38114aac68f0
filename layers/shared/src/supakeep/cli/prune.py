"""`supakeep prune`."""

from __future__ import annotations

import argparse

from supakeep.cli.command import GOOD, PARTIAL, Command
from supakeep.cli.options import add_source
from supakeep.cli.session import Session
from supakeep.cli.terminal import Terminal, size_text
from supakeep.domain.prune import PruneReport
from supakeep.domain.run import RunKind, RunStatus
from supakeep.usecases.run_prune import RunPrune


def _options(parser: argparse.ArgumentParser) -> None:
    add_source(parser)
    parser.add_argument(
        "--dry-run", action="store_true", help="show what would be removed, and why"
    )


def _run(session: Session) -> int:
    """Partial where a store could not be pruned to the end."""
    dry_run: bool = session.arguments.dry_run
    session.show_policy()
    prune = RunPrune(session.app)
    run = prune(session.new_run(RunKind.PRUNE), dry_run=dry_run, stores=session.stores)
    if isinstance(run.result, PruneReport):
        _print(session.terminal, run.result)
    return GOOD if run.status is RunStatus.COMPLETE else PARTIAL


def _print(terminal: Terminal, report: PruneReport) -> None:
    if terminal.as_json:
        terminal.json(report)
        return
    removed = "would be removed" if report.dry_run else "removed"
    for store in report.stores:
        terminal.line(f"{store.store}:")
        terminal.columns(
            ("BACKUP", "DECISION", "SIZE", "WHY"),
            [
                (b.name, removed if b.removed else "kept", size_text(b.bytes), b.reason)
                for b in store.backups
            ],
        )
        if store.problem:
            terminal.notice(store.problem.message, store.problem.hint)


COMMAND = Command("prune", "Remove backups by the retention policy.", _options, _run)
