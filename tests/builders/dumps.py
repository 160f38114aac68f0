"""What pg_dump says of a database."""

from __future__ import annotations

import os
import subprocess

from supakeep.databases.postgres.pg_dump import found_program
from tests.builders.postgres_project import PostgresProject


def dump_of(project: PostgresProject) -> str:
    """Everything but what Supabase manages; rows too."""
    program = found_program(18)
    managed = ("auth", "storage", "extensions")
    return subprocess.run(
        [program.file, "--no-owner", "--restrict-key=fixed", "--quote-all-identifiers",
         *(f"--exclude-schema={schema}" for schema in managed), project.url()],
        env=program.environment(os.environ), capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
