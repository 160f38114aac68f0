"""One run for a person: what it was, how it ended, and the report of its work."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from supakeep.cli.copy import print_copies
from supakeep.cli.delete import print_deletion
from supakeep.cli.drill_report import print_drill
from supakeep.cli.erase import print_erasure
from supakeep.cli.prune import print_decisions
from supakeep.cli.restore_report import print_report
from supakeep.cli.show import print_backup
from supakeep.cli.terminal import Terminal
from supakeep.cli.verify import print_verification
from supakeep.domain.copy_report import CopyReport
from supakeep.domain.deletion import DeleteReport
from supakeep.domain.drill import DrillReport
from supakeep.domain.erasure import EraseReport
from supakeep.domain.measures import duration_text
from supakeep.domain.prune import PruneReport
from supakeep.domain.restore import RestoreReport
from supakeep.domain.run import Run, RunResult
from supakeep.domain.summary import BackupSummary
from supakeep.domain.verification import VerificationReport


def print_run(terminal: Terminal, run: Run) -> None:
    """Prints the run, and what its command would have printed of its result."""
    terminal.line(f"{run.id}  {run.kind}  {run.status}")
    terminal.line(_course(run))
    if run.error is not None:
        terminal.notice(run.error.message, run.error.hint)
    _print_result(terminal, run)


def _course(run: Run) -> str:
    parts = [
        f"Started by {run.started_by}, {run.started_at or run.requested_at:%Y-%m-%d %H:%M:%S} UTC"
    ]
    if run.duration_seconds is not None:
        parts.append(
            f"{'took' if run.status.is_final else 'for'} {duration_text(run.duration_seconds)}"
        )
    if run.phase and not run.status.is_final:
        parts.append(run.phase)
    if run.attempt > 1:
        parts.append(f"attempt {run.attempt}")
    return ", ".join(parts)


def _print_progress(terminal: Terminal, run: Run) -> None:
    """How far a run is, or was when it ended without a result."""
    if run.backup is not None:
        terminal.line(f"Backup {run.backup}")
    if run.tables:
        rows = [(name, f"{t.rows:,}", t.status) for name, t in run.tables.items()]
        terminal.columns(("TABLE", "ROWS", "STATUS"), rows)


def _print_result(terminal: Terminal, run: Run) -> None:
    if run.result is None:
        _print_progress(terminal, run)
    else:
        _PRINTERS[type(run.result)](terminal, run.result)


_PRINTERS: Mapping[type[RunResult], Callable[[Terminal, Any], None]] = {
    BackupSummary: print_backup,
    RestoreReport: print_report,
    PruneReport: print_decisions,
    VerificationReport: print_verification,
    CopyReport: print_copies,
    DrillReport: print_drill,
    DeleteReport: print_deletion,
    EraseReport: print_erasure,
}
