"""Applies supabase/migrations to the local project, as `supabase db push` does to a hosted one."""

from __future__ import annotations

from pathlib import Path

import psycopg

from devstack import PROJECT

FOLDER = PROJECT / "supabase/migrations"
JEWELSHOT = PROJECT / "devstack/demo/jewelshot.sql"


def create_jewelshot(database_url: str) -> None:
    """Makes the tables of the demo's project, which is there before Supakeep comes to it."""
    with psycopg.connect(database_url) as connection:
        connection.execute(JEWELSHOT.read_bytes())


def apply_migrations(database_url: str, folder: Path = FOLDER) -> list[str]:
    """Applies those not applied yet, each in a transaction of its own, and returns their names."""
    applied = []
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "create table if not exists supabase_migrations.schema_migrations"
            " (version text primary key, statements text[], name text)"
        )
        for file in sorted(folder.glob("*.sql")):
            version, _, name = file.stem.partition("_")
            with connection.transaction():
                cursor = connection.execute(
                    "insert into supabase_migrations.schema_migrations (version, name)"
                    " values (%s, %s) on conflict do nothing",
                    (version, name),
                )
                if cursor.rowcount:
                    connection.execute(file.read_bytes())
                    applied.append(file.name)
    return applied
