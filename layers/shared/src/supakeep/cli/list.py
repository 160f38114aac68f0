"""`supakeep list`."""

from __future__ import annotations

from supakeep.cli.command import GOOD, PARTIAL, Command
from supakeep.cli.options import add_source
from supakeep.cli.session import Session
from supakeep.cli.terminal import Terminal, size_text
from supakeep.domain.summary import BackupSummary
from supakeep.usecases.find_backups import BackupListing, list_backups


def _run(session: Session) -> int:
    """Partial where a store could not be listed."""
    listing = list_backups(session.stores, session.project)
    _print(session.terminal, listing)
    return PARTIAL if listing.problems else GOOD


def _print(terminal: Terminal, listing: BackupListing) -> None:
    found = [BackupSummary.of(b.manifest, b.stores) for b in listing.backups if b.manifest]
    damaged = {b.name.text: b.problem for b in listing.backups if b.problem}
    if terminal.as_json:
        terminal.json(
            {
                "backups": [summary.model_dump(mode="json") for summary in found],
                "damaged": {k: v.model_dump() for k, v in damaged.items()},
                "problems": {k: v.model_dump() for k, v in listing.problems.items()},
            }
        )
        return
    if not found and not damaged:
        terminal.line("There is no backup yet: `supakeep backup` makes one.")
    elif found:
        head = ("NAME", "TIME (UTC)", "ROWS", "SIZE", "STATUS", "TRIGGER", "IN")
        terminal.columns(head, [_cells(summary) for summary in found])
    for name, problem in damaged.items():
        terminal.notice(f"{name}: {problem.message}", problem.hint)
    for store, problem in listing.problems.items():
        terminal.notice(f"{store} could not be listed: {problem.message}", problem.hint)


def _cells(summary: BackupSummary) -> tuple[str, ...]:
    return (
        summary.name,
        f"{summary.started_at:%Y-%m-%d %H:%M:%S}",
        f"{summary.rows:,}",
        size_text(summary.size_bytes),
        summary.status,
        summary.trigger,
        ", ".join(summary.locations),
    )


COMMAND = Command("list", "List the backups, newest first.", add_source, _run)
