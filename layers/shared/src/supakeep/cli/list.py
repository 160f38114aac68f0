"""`supakeep list`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from supakeep.cli.command import GOOD, PARTIAL, Command
from supakeep.cli.options import Source
from supakeep.cli.session import Session
from supakeep.cli.terminal import Terminal, aligned, size_text
from supakeep.domain.manifest import Problem, Trigger
from supakeep.domain.summary import BackupSummary
from supakeep.usecases.find_backups import BackupListing, list_backups

_HEAD = ("NAME", "TIME (UTC)", "ROWS", "SIZE", "STATUS", "TRIGGER", "IN")


def _run(session: Session, source: Source = None) -> int:
    """Partial where a store could not be listed."""
    copies = session.copies(source)
    listing = list_backups(copies.stores, copies.project)
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
        terminal.line("No backups yet. `supakeep backup` creates one.")
    for line in _lines(found, terminal.width):
        terminal.line(line)
    for problem in _newest_problems(found):
        terminal.notice(problem.message, problem.hint)
    for name, problem in damaged.items():
        terminal.notice(f"{name}: {problem.message}", problem.hint)
    for store, problem in listing.problems.items():
        terminal.notice(f"{store} could not be listed: {problem.message}", problem.hint)


def _newest_problems(found: Sequence[BackupSummary]) -> Sequence[Problem]:
    """What keeps the newest backup from being complete; `show` says it of any other."""
    newest = next((s for s in found if s.trigger != Trigger.PRE_RESTORE), None)
    return () if newest is None else newest.problems


def _lines(found: Sequence[BackupSummary], width: int) -> list[str]:
    """A table, or two lines for each backup if the terminal is too narrow for a table."""
    if not found:
        return []
    with_undo = any(map(_undone_run, found))
    head = (*_HEAD, "UNDOES") if with_undo else _HEAD
    lines = aligned([head, *(_row(summary, with_undo=with_undo) for summary in found)])
    return lines if max(map(len, lines)) <= width else list(_narrow_lines(found))


def _row(summary: BackupSummary, *, with_undo: bool) -> tuple[str, ...]:
    undone = (_undone_run(summary),) if with_undo else ()
    return (summary.name, f"{summary.started_at:%Y-%m-%d %H:%M:%S}", *_details(summary), *undone)


def _narrow_lines(found: Sequence[BackupSummary]) -> Iterator[str]:
    # the name has the date
    details = aligned([(f"{s.started_at:%H:%M}", *_details(s, unit=" rows")) for s in found])
    for summary, detail in zip(found, details, strict=True):
        yield summary.name
        yield f"  {detail}"
        if run := _undone_run(summary):
            yield f"  undoes {run}"


def _details(summary: BackupSummary, unit: str = "") -> tuple[str, ...]:
    return (
        f"{summary.rows:,}{unit}",
        size_text(summary.size_bytes),
        summary.status,
        summary.trigger,
        ", ".join(summary.locations),
    )


def _undone_run(summary: BackupSummary) -> str:
    """The run of the restore that this undo copy undoes; empty for any other backup."""
    return summary.run or "" if summary.trigger == Trigger.PRE_RESTORE else ""


COMMAND = Command(
    "list", "List the backups, newest first.", _run, ("list", "list --from ./copies", "list --json")
)
