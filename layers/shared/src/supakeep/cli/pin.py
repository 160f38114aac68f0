"""`supakeep pin`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from contextlib import nullcontext
from typing import Annotated

import typer

from supakeep.cli.command import GOOD, PARTIAL
from supakeep.cli.copies import Copies
from supakeep.cli.options import Name, Source, day
from supakeep.cli.session import Session
from supakeep.cli.terminal import Terminal
from supakeep.domain.backup_name import LATEST, BackupName
from supakeep.domain.pin_report import PinReport
from supakeep.usecases.pin_backup import PinBackup
from supakeep.usecases.without_prunes import without_prunes

Until = Annotated[
    dt.date | None,
    typer.Option(
        "--until",
        parser=day,
        metavar="DATE",
        help="The last day (UTC) of the pin. Default: until it is unpinned.",
    ),
]


def run(session: Session, name: Name, source: Source = None, until: Until = None) -> int:
    """Partial where the backup could not be pinned in a store that holds it."""
    pin = PinBackup(session.keyring)
    now = session.now()
    return change_pins(
        session,
        source,
        name,
        lambda copies, backup: pin(backup, copies.stores, until=until, now=now),
    )


def change_pins(
    session: Session,
    source: str | None,
    name: str,
    change: Callable[[Copies, BackupName], PinReport],
) -> int:
    """Carries the change out while no prune is at work, and prints what became of it."""
    copies = session.copies(source)
    backup = _named(session, copies, name)
    # a place that needs no project has no runs either
    guard = nullcontext() if copies.is_elsewhere else without_prunes(session.app)
    with guard:
        report = change(copies, backup)
    if not copies.is_elsewhere:
        pinned = any(store.state == "pinned" for store in report.stores)
        session.record("pin" if pinned else "unpin", report.backup)
    _print(session.terminal, report)
    return GOOD if report.is_whole else PARTIAL


def _named(session: Session, copies: Copies, name: str) -> BackupName:
    if name != LATEST:
        # one whose manifest is damaged can be pinned too
        return BackupName.parse(name)
    return copies.find(name, session.now()).manifest.name


def _print(terminal: Terminal, report: PinReport) -> None:
    if terminal.as_json:
        terminal.json(report)
        return
    places = {
        state: ", ".join(store.store for store in report.stores if store.state == state)
        for state in ("pinned", "unpinned")
    }
    until = f" until {report.until}" if report.until else ""
    if places["pinned"]:
        terminal.line(f"{report.backup} is pinned{until} in {places['pinned']}")
    elif places["unpinned"]:
        terminal.line(f"{report.backup} is no longer pinned in {places['unpinned']}")
    else:
        terminal.line(f"{report.backup} was not pinned")
    for store in report.stores:
        if store.problem:
            terminal.notice(f"{store.store}: {store.problem.message}", store.problem.hint)
