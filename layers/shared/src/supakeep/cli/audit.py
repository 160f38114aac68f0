"""`supakeep audit`."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated

import typer

from supakeep.cli.chain_report import print_verification
from supakeep.cli.command import GOOD, PARTIAL
from supakeep.cli.options import Source
from supakeep.cli.session import Session
from supakeep.cli.terminal import Terminal
from supakeep.domain.audit_log import AuditEntry
from supakeep.usecases.read_audit_log import StoreAuditLog, read_audit_logs
from supakeep.usecases.read_chain import entries_in
from supakeep.usecases.verify_ledger import verify_ledger

_HEAD = ("TIME (UTC)", "WHO", "FROM", "WHAT", "OUTCOME", "ABOUT")
_FEW = 50


class What(StrEnum):
    """What is done with the audit log."""

    LIST = "list"
    VERIFY = "verify"


Wanted = Annotated[
    What,
    typer.Argument(
        metavar="[verify]",
        help="Without it, the newest entries are listed; verify looks for entries that were dropped or changed.",
        show_default=False,
    ),
]
Last = Annotated[
    int | None,
    typer.Option(
        min=1, max=100_000, metavar="N", help=f"So many of the newest entries. Default: {_FEW}."
    ),
]


def run(
    session: Session, what: Wanted = What.LIST, source: Source = None, last: Last = None
) -> int:
    """A list is partial where a store could not be read or an entry is not believed; verify fails where
    anything is wrong.
    """
    copies = session.copies(source)
    if what is What.VERIFY:
        if last is not None:
            raise typer.BadParameter("verify reads the whole log: leave --last out")
        report = verify_ledger(read_audit_logs(copies.stores, copies.project), session.now())
        return print_verification(session.terminal, "The audit log", report)
    logs = read_audit_logs(copies.stores, copies.project, newest=last or _FEW)
    _print_all(session.terminal, logs, last or _FEW)
    return PARTIAL if any(one.problems for one in logs) else GOOD


def _print_all(terminal: Terminal, logs: Sequence[StoreAuditLog], last: int) -> None:
    entries = [found.entry for found in entries_in(logs)[::-1][:last]]
    problems = [problem for one in logs for problem in one.problems]
    if terminal.as_json:
        terminal.json(
            {
                "entries": [entry.model_dump(mode="json") for entry in entries],
                "problems": [problem.model_dump() for problem in problems],
            }
        )
        return
    if entries:
        terminal.columns(_HEAD, [_row(entry) for entry in entries])
    else:
        terminal.line("The audit log is empty: nothing was done since it began.")
    for problem in problems:
        terminal.notice(problem.message, problem.hint)


def _row(entry: AuditEntry) -> Sequence[str]:
    about = ": ".join(text for text in (entry.target, entry.detail) if text)
    return (
        f"{entry.at:%Y-%m-%d %H:%M:%S}",
        entry.actor.name,
        entry.actor.address or entry.actor.via,
        *(entry.action, entry.outcome, about),
    )
