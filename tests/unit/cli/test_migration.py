"""`supakeep migration`: SQL that `supabase db push` takes in a fresh project and in an old one."""

from __future__ import annotations

from pathlib import Path

import pytest

from supakeep.databases.sql.migration import project_migration
from tests.fakes.time import FixedClock
from tests.unit.cli.conftest import Supakeep, Surroundings

FOLDER = Path("supabase/migrations")


@pytest.fixture
def folder() -> Path:
    FOLDER.mkdir(parents=True)
    return FOLDER


def versions(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


def test_it_is_printed_without_a_project_or_a_setting(
    supakeep: Supakeep, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NEXT_PUBLIC_SUPABASE_URL")
    monkeypatch.delenv("SUPABASE_SERVICE_ROLE_KEY")

    ended = supakeep("migration")

    assert (ended.code, ended.out) == (0, project_migration().rstrip() + "\n")


def test_it_is_written_under_the_present_time(
    supakeep: Supakeep, around: Surroundings, folder: Path
) -> None:
    (folder / "20240101000000_mine.sql").touch()
    (folder / "README.md").touch()

    ended = supakeep("migration", "--write")

    name = around.clock.now().strftime("%Y%m%d%H%M%S") + "_supakeep.sql"
    assert ended.code == 0
    assert name in ended.out
    assert (folder / name).read_text() == project_migration()


@pytest.mark.parametrize("later", ["21000101000000", "20991231235959"])
def test_it_sorts_after_a_migration_of_the_future(
    supakeep: Supakeep, folder: Path, later: str
) -> None:
    (folder / f"{later}_mine.sql").touch()

    supakeep("migration", "--write", str(folder))

    [_, newest] = versions(folder)
    assert newest == f"{int(later) + 1}_supakeep.sql"


def test_a_second_one_is_another_file(
    supakeep: Supakeep, around: Surroundings, folder: Path
) -> None:
    around.clock = FixedClock(around.clock.now())
    first = supakeep("migration", "--write", "--json").json["file"]
    second = supakeep("migration", "--write", "--json").json["file"]

    assert versions(folder) == [Path(first).name, Path(second).name]
    assert first < second


def test_a_folder_that_is_missing_is_named(supakeep: Supakeep) -> None:
    ended = supakeep("migration", "--write", "nowhere")

    assert ended.code == 1
    assert "nowhere" in ended.err


def test_a_folder_that_does_not_exist_is_refused_with_its_name(supakeep: Supakeep) -> None:
    ended = supakeep("migration", "--write", "no/such/folder")

    assert ended.code == 1
    assert "error: There is no folder no/such/folder\nhint: Name the folder of your" in ended.err


def test_as_json_it_is_one_value(supakeep: Supakeep) -> None:
    assert supakeep("migration", "--json").json == {"sql": project_migration()}


def test_a_folder_without_write_is_not_passed_over(supakeep: Supakeep, folder: Path) -> None:
    ended = supakeep("migration", str(folder))

    assert ended.code == 2
    assert "give --write too" in ended.err
    assert versions(folder) == []
