"""Files that hold text."""

from __future__ import annotations


def why_unreadable(exc: OSError | UnicodeDecodeError) -> str:
    """Why a file could not be read as text, as a clause."""
    if isinstance(exc, UnicodeDecodeError):
        return "it is not UTF-8"
    return exc.strerror or type(exc).__name__
