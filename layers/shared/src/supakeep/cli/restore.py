"""`supakeep restore`."""

from __future__ import annotations

import argparse
import shlex

from supakeep.cli.command import GOOD, PARTIAL, Command
from supakeep.cli.options import add_confirmation, add_name, add_source, add_tables
from supakeep.cli.restore_report import print_report
from supakeep.cli.session import Session
from supakeep.domain.restore import RestoreReport, RestoreRequest
from supakeep.domain.row_changes import RestoreMode
from supakeep.domain.run import RunKind, RunStatus
from supakeep.usecases.run_restore import RunRestore


def _options(parser: argparse.ArgumentParser) -> None:
    add_name(parser)
    add_source(parser)
    add_confirmation(parser)
    _add_choice_of_rows(parser)
    parser.add_argument(
        "--mode",
        choices=[mode.value for mode in RestoreMode],
        default=RestoreMode.MERGE.value,
        help="merge overwrites and inserts (default), missing-only inserts, replace deletes too",
    )
    parser.add_argument(
        "--into-schema",
        metavar="SCHEMA",
        help="write to the tables of the same names in this schema",
    )
    parser.add_argument(
        "--ignore-dropped-columns",
        action="store_true",
        help="leave out the values of columns that the database no longer has",
    )
    parser.add_argument(
        "--no-undo",
        action="store_true",
        help="do not keep an undo copy of the tables before writing",
    )
    parser.add_argument(
        "--allow-other-project", action="store_true", help="allow a backup of another project"
    )


def _add_choice_of_rows(parser: argparse.ArgumentParser) -> None:
    add_tables(parser)
    parser.add_argument(
        "--where",
        action="append",
        default=[],
        type=_condition,
        metavar="COLUMN=VALUE",
        help="only rows with this value in this column; may be repeated",
    )


def _condition(text: str) -> tuple[str, str]:
    column, separator, value = text.partition("=")
    if not column or not separator:
        raise argparse.ArgumentTypeError(f"{text!r} is not COLUMN=VALUE")
    return column, value


def _run(session: Session) -> int:
    """Partial where the database refused rows, or `latest` passed over a newer backup."""
    arguments = session.arguments
    request = RestoreRequest(
        name=arguments.name,
        confirm=arguments.confirm,
        tables=tuple(arguments.table) or None,
        dry_run=arguments.dry_run,
        allow_other_project=arguments.allow_other_project,
        mode=RestoreMode(arguments.mode),
        where=dict(arguments.where) or None,
        into_schema=arguments.into_schema,
        ignore_dropped_columns=arguments.ignore_dropped_columns,
        keep_undo=not arguments.no_undo,
    )
    return run_restore(session, request)


def run_restore(session: Session, request: RestoreRequest) -> int:
    """Carries the request out and prints its report, with the command that undoes it."""
    with session.progress() as progress:
        restore = RunRestore(session.app, watcher=progress)
        run = restore(session.new_run(RunKind.RESTORE), request, stores=session.stores)
    if isinstance(run.result, RestoreReport):
        _print_report(session, run.id, run.result)
    return GOOD if run.status is RunStatus.COMPLETE else PARTIAL


def _print_report(session: Session, run_id: str, report: RestoreReport) -> None:
    if session.terminal.as_json:
        session.terminal.json(report)
        return
    print_report(session.terminal, report)
    if report.undo_backup:
        _print_undo(session, run_id)


def _print_undo(session: Session, run_id: str) -> None:
    """`undo` needs a --from unless it looks there by itself."""
    source = ("--from", session.undo_source) if session.undo_source else ()
    command = ("supakeep", "undo", run_id, *source, "--confirm", session.app.destination)
    session.terminal.line(f"Undo with: {shlex.join(command)}")


COMMAND = Command("restore", "Restore a backup into the database.", _options, _run)
