"""`supabase db push` applies a migration once, so an edit of a released one would reach nobody."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from devstack.supabase.migrations import FOLDER
from devstack.supabase.released_migrations import changed_migrations, released


def test_no_released_migration_was_changed() -> None:
    assert len(released()) >= 2
    assert changed_migrations() == []


@pytest.mark.parametrize("change", ["edited", "deleted"])
def test_a_released_migration_that_was_changed_is_named(tmp_path: Path, change: str) -> None:
    folder = tmp_path / "migrations"
    shutil.copytree(FOLDER, folder)
    name = next(iter(released()))
    if change == "edited":
        (folder / name).write_text((folder / name).read_text() + "-- a word\n")
    else:
        (folder / name).unlink()
    assert changed_migrations(folder) == [name]


def test_a_new_migration_may_change_until_it_is_released(tmp_path: Path) -> None:
    folder = tmp_path / "migrations"
    shutil.copytree(FOLDER, folder)
    (folder / "99991231235959_next.sql").write_text("select 1;\n")
    assert changed_migrations(folder) == []
