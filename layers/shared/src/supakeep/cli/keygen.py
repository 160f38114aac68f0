"""`supakeep keygen`."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path
from typing import Annotated

import typer

from supakeep.archive.encryption import new_identity
from supakeep.cli.command import GOOD
from supakeep.cli.session import Session
from supakeep.errors import UnsafeOperationError

Output = Annotated[
    Path,
    typer.Option(
        "--output", metavar="FILE", help="The new file for the private key; only you can read it."
    ),
]


def run(session: Session, output: Output = Path("supakeep-key.txt")) -> int:
    """Needs no project and no settings. The private key is written, and never printed."""
    public, private = new_identity()
    _write(output, _identity_file(public, private, session.now()))
    if session.terminal.as_json:
        session.terminal.json({"public_key": public, "file": str(output)})
        return GOOD
    session.terminal.verbatim(f'[encryption]\nrecipients = ["{public}"]')
    session.terminal.note(
        f"The private key is in {output}. Print it, and keep a copy away from this machine and from "
        "Supabase: without it, no backup that is encrypted to this key can be opened. The lines above "
        "belong into supakeep.toml."
    )
    return GOOD


def _identity_file(public: str, private: str, now: dt.datetime) -> str:
    """As age-keygen writes it."""
    return f"# created: {now:%Y-%m-%dT%H:%M:%SZ}\n# public key: {public}\n{private}\n"


def _write(file: Path, content: str) -> None:
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as exc:
        raise UnsafeOperationError(
            f"{file} exists already, and may hold the only key to your backups",
            operation="write identity",
            key=str(file),
            hint="Name another file with --output.",
        ) from exc
    with os.fdopen(descriptor, "w", encoding="ascii") as stream:
        stream.write(content)
