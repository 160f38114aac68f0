"""The databases that drills restore into."""

from __future__ import annotations

from supakeep.ports import ScratchServer


def embedded_server() -> ScratchServer:
    """A PostgreSQL of its own, from the wheel of the extra `drill`."""
    from supakeep.databases.embedded.server import EmbeddedPostgres

    return EmbeddedPostgres()
