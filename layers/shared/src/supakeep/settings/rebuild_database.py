"""Where `supakeep rebuild` writes: REBUILD_DB_URL, or --into without a password."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from urllib.parse import parse_qs, urlsplit

from supakeep.errors import ConfigurationError
from supakeep.settings.encryption import checked_address

_NAME = "REBUILD_DB_URL"
STANDARD_INPUT = "-"


def rebuild_database(into: str | None, values: Mapping[str, str]) -> tuple[str, str]:
    """The address and what reports call it. `into` is an address without a password, `-` for standard
    input, or None for REBUILD_DB_URL. Raises ConfigurationError, which shows no part of a password.
    """
    url = _given(into, values)
    address = checked_address(_NAME, url, values)
    if into not in (None, STANDARD_INPUT) and _has_password(url):
        raise ConfigurationError(
            "--into has a password, which everybody on this machine can read in the list of processes",
            operation="read settings",
            key=_NAME,
            hint=f"Change it. Then put the address into {_NAME}, or give --into - and type it; an "
            "address without a password takes it from ~/.pgpass or PGPASSWORD.",
        )
    return url, str(address)


def _given(into: str | None, values: Mapping[str, str]) -> str:
    if into == STANDARD_INPUT:
        return sys.stdin.readline().strip()
    url = (values.get(_NAME, "") if into is None else into).strip()
    if not url:
        raise ConfigurationError(
            f"{_NAME} is not set, so nobody knows where to rebuild",
            operation="read settings",
            key=_NAME,
            hint="Create an empty project, and put its address there (dashboard, Connect, Session "
            f"pooler): read -rs {_NAME} && export {_NAME}. Or give --into.",
        )
    return url


def _has_password(url: str) -> bool:
    """Of an address that libpq can read; it takes a password as a parameter too."""
    parts = urlsplit(url)
    return bool(parts.password) or "password" in parse_qs(parts.query)
