"""`supakeep restore`."""

from __future__ import annotations

import shlex
from typing import Annotated

import typer

from supakeep.cli.command import GOOD, PARTIAL
from supakeep.cli.copies import Copies
from supakeep.cli.options import (
    AllowUnsigned,
    Conditions,
    Confirm,
    DryRun,
    Identity,
    Name,
    Source,
    Tables,
    conditions_of,
)
from supakeep.cli.restore_report import print_report
from supakeep.cli.session import Session
from supakeep.domain.restore import RestoreReport, RestoreRequest
from supakeep.domain.row_changes import RestoreMode
from supakeep.domain.run import Run, RunKind, RunStatus
from supakeep.settings.identity import STANDARD_INPUT
from supakeep.usecases.audited_run import audited
from supakeep.usecases.run_restore import RunRestore

Mode = Annotated[
    RestoreMode,
    typer.Option(help="merge overwrites and inserts, missing-only inserts, replace deletes too."),
]
IntoSchema = Annotated[
    str | None,
    typer.Option(metavar="SCHEMA", help="Write to the tables of the same names in this schema."),
]
IgnoreDroppedColumns = Annotated[
    bool,
    typer.Option(
        "--ignore-dropped-columns",
        help="Leave out the values of columns that the database no longer has.",
    ),
]
NoUndo = Annotated[
    bool,
    typer.Option("--no-undo", help="Do not keep an undo copy of the tables before writing."),
]


def _user(text: str) -> str:
    if not text.strip():
        # a variable without a value in a script must not mean users without an address
        raise typer.BadParameter("it is empty. Give all, an ID or an e-mail address")
    return text


Auth = Annotated[
    list[str] | None,
    typer.Option(
        parser=_user,
        metavar="WHO",
        help="Restore users: all, an ID or an e-mail; may be repeated. Other tables only with --table.",
    ),
]
Files = Annotated[
    list[str] | None,
    typer.Option(
        metavar="WHAT",
        help="Restore files of Storage, and nothing else: all, a bucket, BUCKET/FOLDER or BUCKET/FILE, or a "
        "pattern; may be repeated.",
    ),
]
AllowOtherProject = Annotated[
    bool, typer.Option("--allow-other-project", help="Allow a backup of another project.")
]


def run(  # noqa: PLR0913, PLR0917 - one for each option
    session: Session,
    name: Name,
    source: Source = None,
    confirm: Confirm = None,
    table: Tables = None,
    where: Conditions = None,
    mode: Mode = RestoreMode.MERGE,
    into_schema: IntoSchema = None,
    identity: Identity = None,
    auth: Auth = None,
    files: Files = None,
    *,
    dry_run: DryRun = False,
    ignore_dropped_columns: IgnoreDroppedColumns = False,
    no_undo: NoUndo = False,
    allow_other_project: AllowOtherProject = False,
    allow_unsigned: AllowUnsigned = False,
) -> int:
    """Partial where the database refused rows, or `latest` passed over a newer backup."""
    if files and (table or where or auth or into_schema or mode is not RestoreMode.MERGE):
        raise typer.BadParameter("--files restores nothing else: give it a command of its own")
    request = RestoreRequest(
        name=name,
        confirm=confirm,
        tables=tuple(table or ()) or None,
        dry_run=dry_run,
        allow_other_project=allow_other_project,
        mode=mode,
        where=conditions_of(where),
        into_schema=into_schema,
        ignore_dropped_columns=ignore_dropped_columns,
        keep_undo=not no_undo,
        users=tuple(auth or ()) or None,
        files=tuple(files or ()) or None,
        allow_unsigned=allow_unsigned,
    )
    return run_restore(session, session.copies(source), request, identity)


def run_restore(
    session: Session, copies: Copies, request: RestoreRequest, identity: str | None
) -> int:
    """Carries the request out and prints its report, with the command that undoes it."""
    if identity == STANDARD_INPUT and not request.dry_run and request.confirm is None:
        raise typer.BadParameter("--identity - leaves nothing to type: give --confirm too")
    request = _confirmed(session, request)
    with session.progress() as progress:
        restore, asked = RunRestore(session.app, watcher=progress), session.new_run(RunKind.RESTORE)

        def work() -> Run:
            return restore(
                asked,
                request,
                stores=copies.stores,
                beside=[] if copies.is_elsewhere else None,
                identities=session.identities(identity),
            )

        # what is read from elsewhere may be all that is left: the project's own stores are not waited for
        run = audited(session.app, asked, work, copies.stores if copies.is_elsewhere else None)
    if isinstance(run.result, RestoreReport):
        _print_report(session, copies, run.id, run.result, identity)
    return GOOD if run.status is RunStatus.COMPLETE else PARTIAL


def _confirmed(session: Session, request: RestoreRequest) -> RestoreRequest:
    """The request with what a person types where --confirm was not given; unchanged in a script."""
    if request.dry_run or request.confirm is not None:
        return request
    target = session.app.ref if request.files else session.app.destination
    if request.into_schema is not None:
        target = f"{target}/{request.into_schema}"
    typed = session.terminal.ask(f"This writes into {target}. Type {target} to go on:")
    return request.model_copy(update={"confirm": typed})


def _print_report(
    session: Session, copies: Copies, run_id: str, report: RestoreReport, identity: str | None
) -> None:
    if session.terminal.as_json:
        session.terminal.json(report)
        return
    print_report(session.terminal, report)
    if report.undo_backup:
        options = [*_undo_source(session, copies), *_undo_identity(session, report, identity)]
        command = ("supakeep", "undo", run_id, *options, "--confirm", session.app.destination)
        session.terminal.verbatim(f"Undo with: {shlex.join(command)}")


def _undo_source(session: Session, copies: Copies) -> list[str]:
    """`undo` needs a --from unless it looks there by itself."""
    source = session.undo_source(copies)
    return ["--from", source] if source else []


def _undo_identity(session: Session, report: RestoreReport, given: str | None) -> list[str]:
    """What opens an undo copy that is encrypted, unless the environment has it."""
    if not report.undo_recipients or (given is None and session.has_identity):
        return []
    return ["--identity", given or "FILE"]
