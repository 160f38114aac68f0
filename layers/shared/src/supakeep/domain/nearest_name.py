"""The name that somebody probably meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

_ALIKE = 0.75


def nearest_name(name: str, known: Iterable[str]) -> str:
    """`Did you mean public.user_credits? `, or nothing where no name is like it."""
    found = difflib.get_close_matches(name, list(known), 1, _ALIKE)
    return f"Did you mean {found[0]}? " if found else ""
