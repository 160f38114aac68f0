"""`supakeep keys revoke`."""

from __future__ import annotations

from typing import Annotated

import typer

from supakeep.cli.api_keys import as_json, keys_of
from supakeep.cli.command import GOOD
from supakeep.cli.session import Session

KeyName = Annotated[str, typer.Argument(metavar="NAME", help="The key's name.")]


def run(session: Session, name: KeyName) -> int:
    """Good also where the key was revoked before."""
    key = keys_of(session).revoke(name, session.now())
    session.record("key-revoked", name)
    if session.terminal.as_json:
        session.terminal.json(as_json(key, session.now()))
    else:
        session.terminal.line(f"The key {key.name} is revoked. It opens nothing in a minute.")
    return GOOD
