"""The databases that projects are rebuilt in."""

from __future__ import annotations

from collections.abc import Mapping

from supakeep.ports.rebuilding import NewProject
from supakeep.settings.rebuild_database import rebuild_database


def new_project(into: str | None, values: Mapping[str, str]) -> NewProject:
    """The database that --into or REBUILD_DB_URL names. Raises ConfigurationError."""
    from supakeep.databases.postgres.rebuild.project import PostgresNewProject

    return PostgresNewProject(*rebuild_database(into, values))
