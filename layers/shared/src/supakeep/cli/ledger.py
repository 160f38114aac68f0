"""`supakeep ledger`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from supakeep.cli.chain_report import print_verification
from supakeep.cli.command import GOOD, PARTIAL
from supakeep.cli.ledger_report import check_report, write_report
from supakeep.cli.options import Source
from supakeep.cli.session import Session
from supakeep.cli.terminal import Terminal
from supakeep.domain.chain import is_of_the_future
from supakeep.domain.drill import DrillReport
from supakeep.domain.ledger import StoredDrill
from supakeep.domain.measures import duration_text
from supakeep.domain.proof import ProvenRestore
from supakeep.usecases.read_chain import entries_in
from supakeep.usecases.read_ledger import StoreLedger, read_ledgers
from supakeep.usecases.verify_ledger import verify_ledger

_HEAD = ("TIME (UTC)", "BACKUP", "PROVEN", "ROWS", "RESTORED IN", "FAILED AT")


class What(StrEnum):
    """What is done with the ledger."""

    LIST = "list"
    VERIFY = "verify"
    REPORT = "report"


Wanted = Annotated[
    What,
    typer.Argument(
        metavar="[verify|report]",
        help="Without it, the drills are listed; verify looks for entries that were dropped or changed; "
        "report writes a page for auditors.",
        show_default=False,
    ),
]


def _day(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a day such as 2026-01-31") from None


Since = Annotated[
    dt.date | None,
    typer.Option(
        parser=_day, metavar="DATE", help="report: its first day (UTC). Default: 31 days ago."
    ),
]
To = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="report: where it goes. Default: standard output."),
]
Report = Annotated[
    Path | None, typer.Option(metavar="FILE", help="verify: the signature of this report.")
]


def run(
    session: Session,
    what: Wanted = What.LIST,
    source: Source = None,
    since: Since = None,
    to: To = None,
    report: Report = None,
) -> int:
    """A list and a report are partial where a store could not be read or an entry is not believed; verify
    fails where anything is wrong.
    """
    _check_usage(what, {"--since": since, "--to": to}, report)
    if report is not None:
        return check_report(session, report)
    copies = session.copies(source)
    if what is What.REPORT:
        return write_report(session, copies, since, to)
    ledgers = read_ledgers(copies.stores, copies.project)
    if what is What.VERIFY:
        verified = verify_ledger(ledgers, session.now())
        return print_verification(session.terminal, "The ledger", verified)
    _print_all(session.terminal, ledgers, session.now())
    return PARTIAL if any(ledger.problem or ledger.untrusted for ledger in ledgers) else GOOD


def _check_usage(what: What, of_report: Mapping[str, object], report: Path | None) -> None:
    if what is not What.REPORT and (given := [name for name, v in of_report.items() if v]):
        raise typer.BadParameter(f"{given[0]} belongs to `supakeep ledger report`")
    if what is not What.VERIFY and report:
        raise typer.BadParameter("--report belongs to `supakeep ledger verify`")


def _print_all(terminal: Terminal, ledgers: Sequence[StoreLedger], now: dt.datetime) -> None:
    entries = entries_in(ledgers)[::-1]
    proven = _newest_proof(entries, now)
    if terminal.as_json:
        terminal.json(
            {
                "entries": [found.entry.model_dump(mode="json") for found in entries],
                "untrusted": {
                    ledger.store: {key: problem.model_dump() for key, problem in untrusted.items()}
                    for ledger in ledgers
                    if (untrusted := ledger.untrusted)
                },
                "newest_proof": proven and asdict(proven),
                "problems": {s.store: s.problem.model_dump() for s in ledgers if s.problem},
            }
        )
        return
    if entries:
        terminal.columns(_HEAD, [_row(found) for found in entries])
        terminal.line(_recovery(proven))
    else:
        terminal.line("No drills yet. `supakeep drill` proves the newest backup.")
    for ledger in ledgers:
        if ledger.problem is not None:
            message = f"{ledger.store} could not be read: {ledger.problem.message}"
            terminal.notice(message, ledger.problem.hint)
        for problem in ledger.untrusted.values():
            terminal.notice(f"{ledger.store}: {problem.message}", problem.hint)


def _newest_proof(newest_first: Sequence[StoredDrill], now: dt.datetime) -> ProvenRestore | None:
    entries = (found.entry for found in newest_first)
    proofs = (e for e in entries if e.report.restores and not is_of_the_future(e, now))
    newest = next(proofs, None)
    return None if newest is None else ProvenRestore.of(newest)


def _recovery(proven: ProvenRestore | None) -> str:
    """The recovery time that was proven, and what it measures."""
    if proven is None:
        return "Recovery time: no drill has proven one yet."
    if (seconds := proven.seconds_for(proven.rows)) is None:
        return "Recovery time: not measured."
    return (
        f"Recovery time proven: {proven.rows:,} rows were back in about {duration_text(seconds)}, in the "
        f"drill of {proven.at:%Y-%m-%d %H:%M} UTC. That is the restore of the rows, into an empty database."
    )


def _row(found: StoredDrill) -> Sequence[str]:
    report = found.entry.report
    rows = found.entry.backup.rows if report.portion is None else report.portion.rows
    took = report.restore_milliseconds
    return (
        f"{found.entry.recorded_at:%Y-%m-%d %H:%M}",
        found.entry.backup.name,
        str(report.reached or "nothing") + _tables(report),
        f"{rows:,}",
        "" if took is None else f"{took / 1000:,.1f} s",
        ", ".join(_failed(report)),
    )


def _tables(report: DrillReport) -> str:
    """Of how many tables, where the drill was not about all of them."""
    if report.portion is None:
        return ""
    number = len(report.portion.tables)
    sample = "a sample of " if any(table.is_sample for table in report.portion.tables) else ""
    return f", {sample}{number:,} of {report.portion.of_tables:,} tables"


def _failed(report: DrillReport) -> list[str]:
    failed = [str(rung.rung) for rung in report.rungs if rung.outcome == "failed"]
    return [*failed, f"broke off at {report.broken_off.rung}"] if report.broken_off else failed
