"""`supakeep ledger report`, and the check of such a report's signature."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import typer

from supakeep.archive.signature import Keyring
from supakeep.archive.signed_page import check_page, signed_page
from supakeep.cli.audit_page import audit_page
from supakeep.cli.command import GOOD, PARTIAL
from supakeep.cli.copies import Copies
from supakeep.cli.session import Session
from supakeep.domain.audit import Audit
from supakeep.errors import ConfigurationError, InvalidRequestError
from supakeep.usecases.audit_backups import audit_backups

_DEFAULT_DAYS = 31


def write_report(session: Session, copies: Copies, since: dt.date | None, to: Path | None) -> int:
    """Writes the page to a file or to standard output. Partial where something could not be read or is
    not believed: the page says what.
    """
    now = session.now()
    first = since or (now - dt.timedelta(days=_DEFAULT_DAYS)).date()
    if first > now.date():
        raise typer.BadParameter(f"--since {first} is in the future")
    if to is None and session.terminal.as_json:
        raise typer.BadParameter("with --json, name the page's file with --to")
    audit = audit_backups(copies.stores, copies.project, since=first, now=now)
    page = _page(audit, session.keyring)
    if to is None:
        session.terminal.verbatim(page.removesuffix("\n"))
    else:
        _write(to, page)
        _say(session, audit, to)
    if session.keyring is None:
        session.terminal.note("The report is not signed: set SIGNING_KEY, and make it again.")
    return GOOD if audit.is_whole else PARTIAL


def check_report(session: Session, file: Path) -> int:
    """Raises SignatureError for a report that is not what was signed."""
    if session.keyring is None:
        raise ConfigurationError(
            "SIGNING_KEY is not set, and a report is verified with the key that signed it",
            operation="verify report",
            key="SIGNING_KEY",
            hint="Set SIGNING_KEY, or name the secret that holds it in SIGNING_KEY_SECRET_ID.",
        )
    key_id = check_page(_read(file), session.keyring)
    if session.terminal.as_json:
        session.terminal.json({"file": str(file), "key_id": key_id})
    else:
        session.terminal.line(f"{file} is as it was signed, with the key {key_id}")
    return GOOD


def _page(audit: Audit, keyring: Keyring | None) -> str:
    if keyring is None:
        return audit_page(audit, None)
    return signed_page(audit_page(audit, keyring.key_id), keyring)


def _say(session: Session, audit: Audit, file: Path) -> None:
    keyring = session.keyring
    if session.terminal.as_json:
        figures = {"backups": len(audit.backups), "drills": len(audit.drills)}
        key_id = keyring.key_id if keyring else None
        gaps = list(audit.gaps)
        session.terminal.json({"file": str(file), "key_id": key_id, **figures, "gaps": gaps})
        return
    counts = (
        f"{len(audit.backups):,} backups, {len(audit.drills):,} drills, {len(audit.gaps):,} gaps"
    )
    session.terminal.line(f"{file}: {counts} since {audit.since}")
    for problem in audit.problems:
        session.terminal.notice(problem.message, problem.hint)


def _write(file: Path, page: str) -> None:
    try:
        file.write_bytes(page.encode())
    except OSError as exc:
        raise _about(file, "written", exc) from exc


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as exc:
        raise _about(file, "read", exc) from exc


def _about(file: Path, verb: str, exc: OSError) -> InvalidRequestError:
    return InvalidRequestError(
        f"{file} could not be {verb}: {exc.strerror}",
        operation="ledger report",
        key=str(file),
        hint="Name a file in a folder that is there, and that you may use.",
    )
