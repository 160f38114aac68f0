"""The file with what a user asserts of restored rows."""

from __future__ import annotations

from pathlib import Path

from supakeep.domain.assertions import Assertion, parse_assertions
from supakeep.errors import ConfigurationError
from supakeep.settings.text_files import why_unreadable


def read_assertions(file: Path) -> tuple[Assertion, ...]:
    """The assertions of a file, none where it does not exist. Raises ConfigurationError."""
    if not file.exists():
        return ()
    try:
        return parse_assertions(file.read_text(encoding="utf-8"), file.name)
    except (OSError, UnicodeDecodeError) as exc:
        raise _unreadable(file, why_unreadable(exc)) from exc


def existing_file(name: str) -> Path:
    """The file of this name. Raises ConfigurationError where it does not exist."""
    file = Path(name)
    if not file.exists():
        raise _unreadable(file, "it does not exist")
    return file


def _unreadable(file: Path, why: str) -> ConfigurationError:
    return ConfigurationError(
        f"{file} cannot be read: {why}",
        operation="read assertions",
        key=str(file),
        hint="It holds queries in UTF-8, each under a line such as `-- name: no negative balance`.",
    )
