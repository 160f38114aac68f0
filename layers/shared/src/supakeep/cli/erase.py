"""`supakeep erase`."""

from __future__ import annotations

from typing import Annotated

import typer

from supakeep.cli.command import GOOD, PARTIAL
from supakeep.cli.completion import complete_tables
from supakeep.cli.copies import Copies
from supakeep.cli.options import Conditions, Identity, Source, conditions_of
from supakeep.cli.session import Session
from supakeep.cli.terminal import Terminal
from supakeep.domain.audit_log import detail_of
from supakeep.domain.erasure import (
    ErasedBackup,
    ErasedStore,
    EraseReport,
    Erasure,
    require_erasure_confirmation,
)
from supakeep.domain.run import RunKind
from supakeep.settings.identity import STANDARD_INPUT
from supakeep.usecases.audited_run import audited
from supakeep.usecases.run_erase import RunErase

Table = Annotated[
    str,
    typer.Option(
        "--table",
        metavar="TABLE",
        help="The table whose rows go.",
        autocompletion=complete_tables,
    ),
]
Confirm = Annotated[
    str | None,
    typer.Option(
        metavar="REF",
        help="The ref of the project whose backups are erased from. Without it, only a look.",
    ),
]


def run(
    session: Session,
    table: Table,
    where: Conditions = None,
    source: Source = None,
    confirm: Confirm = None,
    identity: Identity = None,
) -> int:
    """Only shows what matches, unless it is confirmed. Partial where a backup or a store keeps rows, or may."""
    conditions = conditions_of(where)
    if not table.strip() or conditions is None:
        raise typer.BadParameter("Give --table, and a --where COLUMN=VALUE that says whose rows go")
    if identity == STANDARD_INPUT and confirm is None:
        raise typer.BadParameter("--identity - leaves nothing to type: give --confirm too")
    if confirm is not None:
        require_erasure_confirmation(session.app.ref, confirm)
    erasure, copies = Erasure.of(table, conditions), session.copies(source)
    report = None if confirm else _look(session, erasure, copies, identity)
    if report is not None:
        print_erasure(session.terminal, report)
    if report is None or _is_confirmed(session, report):
        report = _erase(session, erasure, copies, identity)
        print_erasure(session.terminal, report)
    return GOOD if report.is_whole else PARTIAL


def _look(session: Session, erasure: Erasure, copies: Copies, identity: str | None) -> EraseReport:
    with session.progress() as progress:
        erase = RunErase(session.app, session.identities(identity), progress)
        return erase.report(erasure, copies.stores, dry_run=True)


def _is_confirmed(session: Session, report: EraseReport) -> bool:
    """Asks a person at a terminal; a script has to give --confirm."""
    if not report.has_work:
        return False
    ref = session.app.ref
    typed = session.terminal.ask(
        f"This erases these rows from the backups, for good. Type {ref} to go on:"
    )
    if typed is None:
        session.terminal.note(f"Nothing was changed. To erase these rows: --confirm {ref}")
        return False
    require_erasure_confirmation(ref, typed)
    return True


def _erase(session: Session, erasure: Erasure, copies: Copies, identity: str | None) -> EraseReport:
    with session.progress() as progress:
        erase = RunErase(session.app, session.identities(identity), progress)
        if copies.is_elsewhere:
            # a place that needs no project has no runs
            report = erase.report(erasure, copies.stores, dry_run=False)
            session.record("erase", str(copies.source), detail_of(report))
            return report
        asked = session.new_run(RunKind.ERASE)
        run = audited(session.app, asked, lambda: erase(asked, erasure, copies.stores))
    assert isinstance(run.result, EraseReport)  # noqa: S101 - a new run has done its work
    return run.result


def print_erasure(terminal: Terminal, report: EraseReport) -> None:
    """How many rows matched, or went, in which backup and store, and what keeps them elsewhere."""
    if terminal.as_json:
        terminal.json(report)
        return
    rows = [
        (found.backup, f"{found.rows:,}", store.store, _state(found, store))
        for found in report.backups
        for store in found.stores
    ]
    if rows:
        terminal.columns(("BACKUP", "ROWS", "IN", "STATE"), rows)
    terminal.line(_summary(report))
    _print_problems(terminal, report)
    terminal.line("Not reached:")
    for place in report.not_reached:
        terminal.entry(place)


def _state(found: ErasedBackup, store: ErasedStore) -> str:
    if store.state == "matching" and not found.rows:
        return "left of an interrupted erasure"
    return store.state


def _summary(report: EraseReport) -> str:
    was, were = ("matches", "match") if report.dry_run else ("was erased", "were erased")
    rows = (
        f"1 row of {report.table}"
        if report.rows == 1
        else f"{report.rows:,} rows of {report.table}"
    )
    verb = was if report.rows == 1 else were
    holding = sum(1 for found in report.backups if found.rows)
    backups = holding if report.dry_run else report.erased_backups
    return (
        f"{rows} (by {', '.join(report.columns)}) {verb}, in {backups:,} of "
        f"{report.looked_through:,} backups"
    )


def _print_problems(terminal: Terminal, report: EraseReport) -> None:
    for name, problem in report.unlisted.items():
        terminal.notice(f"{name} was not looked through: {problem.message}", problem.hint)
    if report.meanwhile:
        terminal.notice(report.meanwhile.message, report.meanwhile.hint)
    for found in report.backups:
        if found.problem:
            terminal.notice(
                f"{found.backup}: not erased: {found.problem.message}", found.problem.hint
            )
        for store in found.stores:
            if store.problem:
                left = (
                    f" ({len(store.left):,} objects with the rows are left)" if store.left else ""
                )
                terminal.notice(
                    f"{found.backup} in {store.store}: {store.problem.message}{left}",
                    store.problem.hint,
                )
