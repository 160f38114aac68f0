"""DRILL_DB_URL: a server beside the project's, on which drills make a database of their own."""

from __future__ import annotations

from collections.abc import Mapping

from supakeep.errors import ConfigurationError
from supakeep.settings.database_address import DatabaseAddress
from supakeep.settings.encryption import checked_address

_NAME = "DRILL_DB_URL"


def drill_database(values: Mapping[str, str]) -> tuple[str, str] | None:
    """The address and what reports call it; None where there is none. Raises ConfigurationError for one
    that cannot be read, or that leads to the server of the live database: a drill would take its room
    and its time.
    """
    url = values.get(_NAME, "").strip()
    if not url:
        return None
    address = checked_address(_NAME, url, values)
    if _is_live(address, values):
        raise ConfigurationError(
            f"{_NAME} leads to the server of the live database, {address}",
            operation="read settings",
            key=_NAME,
            hint="A drill would take its disk and its time. Name a spare project or a branch, or leave "
            f"{_NAME} out: a drill then starts a PostgreSQL of its own.",
        )
    return url, f"a scratch database at {address}"


def _is_live(address: DatabaseAddress, values: Mapping[str, str]) -> bool:
    live_url = values.get("SUPABASE_DB_URL", "").strip()
    live = DatabaseAddress.parse(live_url, values) if live_url else None
    if address.project_ref is not None:
        host = values.get("NEXT_PUBLIC_SUPABASE_URL") or values.get("SUPABASE_URL") or ""
        is_projects = host.partition("://")[2].partition(".")[0] == address.project_ref
        return is_projects or (live is not None and live.project_ref == address.project_ref)
    return live is not None and (live.host, live.port) == (address.host, address.port)
