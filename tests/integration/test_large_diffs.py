"""A dry run that inserts or deletes hundreds of thousands of rows shows five of them, and holds no more."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.builders.manifests import PROJECT
from tests.builders.peak_memory import peak_kib
from tests.builders.postgres_project import PostgresProject

pytestmark = [pytest.mark.integration, pytest.mark.enable_socket]

FEW, MANY = 40_000, 400_000
# a row takes 80 bytes and more in either direction, the many of them 32 MB
MOST_MORE_KIB = 16 * 1024


def measured(
    project: PostgresProject, folder: Path, *arguments: str
) -> tuple[int, dict[str, dict[str, Any]]]:
    """The peak of memory in KiB, and the tables of the report by their names."""
    settings = {"SUPABASE_DB_URL": project.url(), "SUPABASE_PROJECT_REF": PROJECT}
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("SUPA", "NEXT_PUBLIC_"))}
    peak, printed = peak_kib(*arguments, "--json", environment=inherited | settings, folder=folder)
    return peak, {table["name"]: table for table in json.loads(printed).get("tables", ())}


def fill(project: PostgresProject, table: str, rows: int) -> None:
    project.sql(
        f"insert into {table} select n, repeat('note ', 12) || n from generate_series(1, {rows}) n"
    )


@pytest.mark.timeout(300)
@pytest.mark.parametrize("key", ["primary key", ""], ids=["keyed", "keyless"])
def test_a_dry_run_of_many_rows_shows_five_and_holds_no_more(
    project: PostgresProject, tmp_path: Path, key: str
) -> None:
    project.sql(f"create table gone (id int {key}, note text); create table added (like gone);")
    if key:
        project.sql("alter table added add primary key (id)")
    peaks = []
    for rows in (FEW, MANY):
        project.sql("truncate gone, added")
        fill(project, "gone", rows)
        folder = str(tmp_path / str(rows))
        (tmp_path / "supakeep.toml").write_text('[backup]\ntables = "*"\n')
        measured(project, tmp_path, "backup", "--to", folder)
        project.sql("truncate gone")
        fill(project, "added", rows)

        peak, tables = measured(
            project, tmp_path,
            "restore", "latest", "--from", folder, "--mode", "replace", "--dry-run",
        )  # fmt: skip

        peaks.append(peak)
        gone, added = tables["public.gone"], tables["public.added"]
        assert (gone["inserted"], added["deleted"]) == (rows, rows)
        assert len(gone["inserted_rows"]) == len(added["deleted_rows"]) == 5
        assert gone["inserted_rows"][4]["columns"]["note"].endswith(' 5"')
    few, many = peaks
    assert many - few < MOST_MORE_KIB, peaks
