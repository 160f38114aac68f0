"""Applies supabase/migrations to the local project, as `supabase db push` does to a hosted one.

`python -m devstack.supabase.migrations --write` writes the migration that is made from the
package's SQL; without `--write` it says whether that one is up to date.
"""

from __future__ import annotations

import sys
from pathlib import Path

import psycopg

from devstack import PROJECT
from supakeep.databases.data_api.errors import MIGRATION
from supakeep.databases.sql.migration import project_migration

FOLDER = PROJECT / "supabase/migrations"
GENERATED = PROJECT / MIGRATION
JEWELSHOT = PROJECT / "devstack/demo/jewelshot.sql"


def create_jewelshot(database_url: str) -> None:
    """Creates the tables of the demo's project, which exists before Supakeep is installed in it."""
    with psycopg.connect(database_url) as connection:
        connection.execute(JEWELSHOT.read_bytes())


def apply_migrations(database_url: str, folder: Path = FOLDER) -> list[str]:
    """Applies the new migrations, each in its own transaction, and returns their names."""
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


def is_up_to_date() -> bool:
    """Whether the generated migration is what the package's SQL makes today."""
    return GENERATED.is_file() and GENERATED.read_text() == project_migration()


def main(arguments: list[str]) -> int:
    if arguments == ["--write"]:
        GENERATED.write_text(project_migration())
    if is_up_to_date():
        return 0
    print(f"{MIGRATION} is out of date: run python -m devstack.supabase.migrations --write")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
