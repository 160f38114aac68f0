"""What the verification of the ledger or of the audit log found, printed."""

from __future__ import annotations

from supakeep.cli.command import FAILED, GOOD
from supakeep.cli.terminal import Terminal
from supakeep.usecases.verify_ledger import LedgerReport


def print_verification(terminal: Terminal, chain: str, report: LedgerReport) -> int:
    """Prints it, as JSON where that was asked for, and returns the exit code. `chain` begins a sentence."""
    if terminal.as_json:
        terminal.json(report)
    else:
        _print_text(terminal, chain, report)
    return GOOD if report.is_whole else FAILED


def _print_text(terminal: Terminal, chain: str, report: LedgerReport) -> None:
    entries = "1 entry" if report.entries == 1 else f"{report.entries:,} entries"
    stores = " and ".join(report.stores) or "no store"
    state = f"{chain} is whole" if report.is_whole else f"{chain} is not whole"
    terminal.line(f"{state}: {entries} in {stores}, {report.signed:,} of them signed")
    for problem in report.problems:
        terminal.notice(problem.message, problem.hint)
