"""The databases, and the Storage, that projects are rebuilt in."""

from __future__ import annotations

from collections.abc import Mapping

from supakeep.ports import ProjectFiles
from supakeep.ports.rebuilding import NewProject
from supakeep.settings.rebuild_database import rebuild_database
from supakeep.settings.rebuild_storage import rebuild_storage


def new_project(into: str | None, values: Mapping[str, str]) -> NewProject:
    """The database that --into or REBUILD_DB_URL names. Raises ConfigurationError."""
    from supakeep.databases.postgres.rebuild.project import PostgresNewProject

    return PostgresNewProject(*rebuild_database(into, values))


def new_files(values: Mapping[str, str]) -> ProjectFiles | None:
    """The files of the project that REBUILD_SUPABASE_URL names; None without it. Raises
    ConfigurationError.
    """
    if (place := rebuild_storage(values)) is None:
        return None
    from supakeep.stores.supabase_files import SupabaseFiles

    return SupabaseFiles(*place, values.get("BACKUP_BUCKET") or "backups")
