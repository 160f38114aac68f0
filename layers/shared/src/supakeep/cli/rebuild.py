"""`supakeep rebuild`."""

from __future__ import annotations

from typing import Annotated

import typer

from supakeep.cli.command import GOOD, PARTIAL
from supakeep.cli.options import Identity, Name, Source
from supakeep.cli.rebuild_report import print_rebuild
from supakeep.cli.session import Session
from supakeep.domain.rebuild import RebuildRequest
from supakeep.system import NoDeadline
from supakeep.usecases.rebuild_project import RebuildProject
from supakeep.wiring import with_secrets
from supakeep.wiring.rebuild import new_files, new_project

Into = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS",
        help="The new project's database: an address without a password, or - for standard input. "
        "Default: REBUILD_DB_URL.",
    ),
]
Merge = Annotated[
    bool, typer.Option("--merge", help="Add what is missing to a project that has tables.")
]
SchemaOnly = Annotated[
    bool, typer.Option("--schema-only", help="Only the definitions, no users and no rows.")
]
ConfirmPlace = Annotated[
    str | None,
    typer.Option(metavar="HOST/DATABASE", help="The database, where it has tables already."),
]


def run(  # noqa: PLR0913 - one for each option
    session: Session,
    name: Name,
    into: Into = None,
    source: Source = None,
    identity: Identity = None,
    confirm: ConfirmPlace = None,
    *,
    merge: Merge = False,
    schema_only: SchemaOnly = False,
) -> int:
    """Makes the definitions, then writes users and rows, then makes what rests on them, and brings files
    back where REBUILD_SUPABASE_URL says where to. Goes on where
    an earlier run stopped. Partial where something did not come back.
    """
    values = with_secrets(session.environment)
    project, files = new_project(into, values), new_files(values)
    copies = session.copies(source)
    reader = copies.find(name, session.now())
    reader.decoder.unlock(session.identities(identity))
    with session.progress() as progress:
        progress.expect({entry.name: entry.rows for entry in reader.manifest.tables})
        rebuild = RebuildProject(project, reader, NoDeadline(), progress, files=files)
        report = rebuild(RebuildRequest(merge=merge, schema_only=schema_only, confirm=confirm))
    if session.terminal.as_json:
        session.terminal.json(report)
    else:
        print_rebuild(session.terminal, report)
    return GOOD if report.is_whole else PARTIAL
