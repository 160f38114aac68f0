"""The command line against a database and a folder alone: the undo that a restore prints."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

import pytest

from tests.builders.command_line import run_supakeep
from tests.builders.manifests import PROJECT
from tests.builders.postgres_project import PostgresProject

pytestmark = [pytest.mark.integration, pytest.mark.enable_socket]


@pytest.fixture
def database(project: PostgresProject) -> PostgresProject:
    project.sql(
        "create table ledger (id int primary key, amount numeric);"
        "insert into ledger select n, n + 0.5 from generate_series(1, 100) n"
    )
    return project


def place(project: PostgresProject) -> str:
    """What a restore is confirmed with: the address shows no ref."""
    return f"127.0.0.1:{project.server.port}/{project.name}"


def supakeep(project: PostgresProject, folder: Path, *arguments: str) -> tuple[int, str]:
    """Exit code, and all that is printed."""
    settings = {"SUPABASE_DB_URL": project.url(), "SUPABASE_PROJECT_REF": PROJECT}
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("SUPA", "NEXT_PUBLIC_"))}
    (folder / "supakeep.toml").write_text('[backup]\ntables = "*"\n')
    ended = run_supakeep(*arguments, environment=inherited | settings, folder=folder)
    return ended.returncode, ended.stdout + ended.stderr


def test_the_printed_command_brings_back_what_a_restore_overwrote(
    database: PostgresProject, tmp_path: Path
) -> None:
    assert supakeep(database, tmp_path, "backup", "--to", "my copies")[0] == 0
    database.sql("update ledger set amount = 0 where id < 10; delete from ledger where id > 90")
    before = database.dump()
    source = ("--from", "my copies", "--confirm", place(database))
    restored, printed = supakeep(database, tmp_path, "restore", "latest", *source)
    assert (restored, database.dump() != before) == (0, True)

    [line] = [line for line in printed.splitlines() if line.startswith("Undo with: supakeep ")]
    undo = shlex.split(line)[3:]
    foretold = supakeep(database, tmp_path, *undo, "--dry-run")
    undone, _ = supakeep(database, tmp_path, *undo)

    assert (foretold[0], undone) == (0, 0)
    assert "  public.ledger id=91 to delete: amount 91.5\n" in foretold[1]
    assert "  public.ledger id=1: amount 1.5 -> 0\n" in foretold[1]
    assert database.dump() == before


@pytest.mark.parametrize("dry_run", [True, False])
def test_a_value_that_a_column_cannot_hold_is_reported_on_the_command_line(
    database: PostgresProject, tmp_path: Path, *, dry_run: bool
) -> None:
    supakeep(database, tmp_path, "backup", "--to", "copies")
    database.sql("alter table ledger alter amount type integer using 0")
    before = database.dump()
    how = ("--dry-run",) if dry_run else ("--confirm", place(database))

    code, printed = supakeep(database, tmp_path, "restore", "latest", "--from", "copies", *how)

    assert code == 1
    assert (
        'error: public.ledger.amount cannot hold 1.5 (row {"id": 1}): '
        "invalid input syntax for type integer\nhint: Nothing was written. "
    ) in printed
    assert database.dump() == before
