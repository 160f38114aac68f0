"""`supakeep keys add`."""

from __future__ import annotations

import datetime as dt
import sys
from pathlib import Path
from typing import Annotated

import typer

from supakeep.cli.api_keys import as_json, end_of, keys_of
from supakeep.cli.command import GOOD
from supakeep.cli.options import day
from supakeep.cli.session import Session
from supakeep.domain.api_key import ApiKey, Scope
from supakeep.errors import InvalidRequestError

KeyName = Annotated[
    str,
    typer.Argument(metavar="NAME", help="What the key is called, such as ci-2026-11."),
]
Scopes = Annotated[
    list[Scope],
    typer.Option("--scope", help="What the key is good for; may be repeated."),
]
Until = Annotated[
    dt.date | None,
    typer.Option(
        "--until",
        parser=day,
        metavar="DATE",
        help="The key's last day (UTC). Default: a year from now.",
    ),
]
Given = Annotated[
    str | None,
    typer.Option(
        "--key",
        metavar="FILE",
        help="A file with a key of your own, or - for standard input. Default: a key is made.",
    ),
]


def run(
    session: Session, name: KeyName, scope: Scopes, until: Until = None, key: Given = None
) -> int:
    """A key that is made is printed, once: nothing keeps it."""
    made, text = keys_of(session).add(
        name,
        scope,
        now=session.now(),
        expires_at=None if until is None else end_of(until),
        given=None if key is None else _read(key),
    )
    session.record("key-added", name, ", ".join(made.scopes))
    _print(session, made, text if key is None else None)
    return GOOD


def _read(file: str) -> str:
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise InvalidRequestError(
            f"{file} cannot be read",
            operation="read key",
            key=file,
            hint="Name a file that holds the key and nothing else, or - for standard input.",
        ) from None
    return text.strip()


def _print(session: Session, made: ApiKey, text: str | None) -> None:
    terminal = session.terminal
    if terminal.as_json:
        terminal.json({**as_json(made, session.now()), "key": text})
        return
    if text is not None:
        terminal.verbatim(text)
    scopes = ", ".join(made.scopes)
    terminal.note(
        f"The key {made.name} is good for {scopes}, until {made.expires_at:%Y-%m-%d %H:%M} UTC. "
        "Functions take it within half a minute."
    )
    if text is not None:
        terminal.note("Keep it now: only its SHA-256 is recorded, and it is not shown again.")
