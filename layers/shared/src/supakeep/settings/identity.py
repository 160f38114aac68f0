"""The private key that opens encrypted backups."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from supakeep.archive.encryption import NO_IDENTITIES, Identities
from supakeep.errors import ConfigurationError

STANDARD_INPUT = "-"
# an identity file has a few lines of 74 characters
_MOST_BYTES = 64 * 1024


def identities_of(values: Mapping[str, str]) -> Identities:
    """What SUPAKEEP_IDENTITY_FILE names, or AGE_IDENTITY holds; none where neither is set.

    Raises ConfigurationError for what is no identity.
    """
    if file := values.get("SUPAKEEP_IDENTITY_FILE", "").strip():
        return identities_in(file)
    if text := values.get("AGE_IDENTITY", "").strip():
        # line breaks in a JSON secret are easily escaped twice
        return Identities(text.replace("\\n", "\n"))
    return NO_IDENTITIES


def identities_in(file: str) -> Identities:
    """Those in an identity file of age; `-` is standard input. Raises ConfigurationError."""
    return Identities(sys.stdin.read(_MOST_BYTES) if file == STANDARD_INPUT else _content(file))


def _content(file: str) -> str:
    try:
        with Path(file).open(encoding="utf-8", errors="replace") as text:
            return text.read(_MOST_BYTES)
    except OSError as exc:
        raise ConfigurationError(
            f"The identity file {file} cannot be read: {exc.strerror or type(exc).__name__}",
            operation="read identity",
            key=file,
            hint="Name the file with the private key (--identity, SUPAKEEP_IDENTITY_FILE).",
        ) from exc
