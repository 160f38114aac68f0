"""The databases that drills restore into."""

from __future__ import annotations

from collections.abc import Mapping

from supakeep.ports import ScratchServer
from supakeep.settings.drill_database import drill_database


def scratch_server(values: Mapping[str, str]) -> ScratchServer:
    """The server that DRILL_DB_URL names; else a PostgreSQL of its own, from the wheel of the extra
    `drill`. Raises ConfigurationError.
    """
    if (named := drill_database(values)) is not None:
        from supakeep.databases.postgres.scratch_server import PostgresScratchServer

        return PostgresScratchServer(*named)
    from supakeep.databases.embedded.server import EmbeddedPostgres

    return EmbeddedPostgres()
