"""The databases that drills restore into."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from supakeep.errors import ConfigurationError
from supakeep.ports import ScratchServer
from supakeep.settings import Settings
from supakeep.settings.drill_database import drill_database


class Place(StrEnum):
    """Where a drill restores into: a PostgreSQL of its own, a database of the server that DRILL_DB_URL
    names, or schemas beside the live ones.
    """

    EMBEDDED = "embedded"
    DATABASE = "database"
    SCHEMA = "schema"


def scratch_schemas(settings: Settings, room_bytes: int) -> ScratchServer:
    """Schemas in the live database, which take so much of its disk at most. Raises ConfigurationError."""
    if settings.db_url is None:
        raise ConfigurationError(
            "A drill into a schema of the live database needs its address",
            operation="drill",
            key="SUPABASE_DB_URL",
            hint="Set SUPABASE_DB_URL, or leave --into out: a drill then starts a PostgreSQL of its own.",
        )
    from supakeep.databases.postgres.address import with_authority
    from supakeep.databases.postgres.scratch_schema import PostgresScratchSchemas

    url = with_authority(settings.db_url.get_secret_value(), settings.db_ca)
    place = f"a scratch schema of {settings.destination}"
    return PostgresScratchSchemas(url, place, room_bytes)


def scratch_server(values: Mapping[str, str], place: Place | None = None) -> ScratchServer:
    """The server that DRILL_DB_URL names; else a PostgreSQL of its own, from the wheel of the extra
    `drill`; or that of the two that is asked for. Raises ConfigurationError.
    """
    if place is Place.DATABASE and not values.get("DRILL_DB_URL", "").strip():
        raise ConfigurationError(
            "DRILL_DB_URL is not set",
            operation="drill",
            key="DRILL_DB_URL",
            hint="Set it to the address of a spare project or a branch.",
        )
    if place is not Place.EMBEDDED and (named := drill_database(values)) is not None:
        from supakeep.databases.postgres.scratch_server import PostgresScratchServer

        return PostgresScratchServer(*named)
    from supakeep.databases.embedded.server import EmbeddedPostgres

    return EmbeddedPostgres()
