"""`supakeep migration`."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated

import typer

from supakeep.cli.command import GOOD
from supakeep.cli.session import Session
from supakeep.databases.sql.migration import project_migration
from supakeep.errors import InvalidRequestError

_FOLDER = Path("supabase/migrations")
_VERSION = "%Y%m%d%H%M%S"


Write = Annotated[
    bool, typer.Option("--write", help="Write it into the folder, as its newest migration.")
]
Folder = Annotated[
    Path | None,
    typer.Argument(metavar="FOLDER", help=f"The folder of --write. Default: {_FOLDER}."),
]


def run(session: Session, folder: Folder = None, *, write: Write = False) -> int:
    """Needs no project and no settings."""
    if write:
        _write(session, folder or _FOLDER)
        return GOOD
    if folder is not None:
        raise typer.BadParameter(f"{folder} is where --write puts it: give --write too")
    if session.terminal.as_json:
        session.terminal.json({"sql": project_migration()})
    else:
        session.terminal.verbatim(project_migration().rstrip())
    return GOOD


def _write(session: Session, folder: Path) -> None:
    if not folder.is_dir():
        raise InvalidRequestError(
            f"There is no folder {folder}",
            operation="write migration",
            key=str(folder),
            hint="Name the folder of your project's migrations, or create it first.",
        )
    file = folder / f"{_next_version(folder, session.now())}_supakeep.sql"
    file.write_text(project_migration(), encoding="utf-8")
    if session.terminal.as_json:
        session.terminal.json({"file": str(file)})
    else:
        session.terminal.line(f"Wrote {file}. Apply it: supabase db push")


def _next_version(folder: Path, now: dt.datetime) -> int:
    """The present time or, where a migration has a later version, the number after that:
    `supabase db push` refuses one that sorts before what the project has already.
    """
    names = [file.name.partition("_")[0] for file in folder.iterdir()]
    versions = [
        int(name) for name in names if name.isdecimal() and len(name) == len("20260101000000")
    ]
    return max([int(now.strftime(_VERSION)), *(version + 1 for version in versions)])
