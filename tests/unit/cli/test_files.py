"""Files of Storage on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.builders.file_backups import some_files
from tests.builders.manifests import PROJECT
from tests.fakes.database import InMemoryDatabase
from tests.fakes.object_store import InMemoryObjectStore
from tests.fakes.project_files import InMemoryProjectFiles
from tests.unit.cli.conftest import Supakeep, Surroundings


@pytest.fixture
def files(supakeep: Supakeep, shop: InMemoryDatabase, around: Surroundings) -> InMemoryProjectFiles:
    """The project's files, which are backed up into `copies`."""
    Path("supakeep.toml").write_text('[backup]\ntables = "*"\n[backup.files]\nbuckets = "*"\n')
    held = some_files()
    around.adapters["files"] = held
    made = supakeep("backup", "--to", "copies")
    assert "Files: 3 in 2 buckets, 31 bytes; 3 of them copied now" in made.out
    assert made.code == 0
    return held


def test_what_is_asked_for_is_written_and_the_rest_is_listed(
    supakeep: Supakeep, files: InMemoryProjectFiles
) -> None:
    files.delete("avatars", "one.png")
    files.put("papers", "new.pdf", b"new")
    restore = ("restore", "latest", "--from", "copies", "--files")

    dry_run = supakeep(*restore, "all", "--dry-run")
    restored = supakeep(*restore, "avatars", "--confirm", PROJECT)

    assert "3 files in the backup: 1 would be written" in dry_run.out
    assert "  missing: avatars/one.png" in dry_run.out
    assert "  added since, stays: papers/new.pdf" in dry_run.out
    assert "2 files in the backup: 1 written" in restored.out
    assert (dry_run.code, restored.code) == (0, 0)
    assert files.held["avatars", "one.png"].content == b"the first picture"


def test_a_file_that_no_copy_has_right_is_named_with_exit_code_3(
    supakeep: Supakeep, files: InMemoryProjectFiles
) -> None:
    files.held.clear()
    for stored in Path("copies/files").rglob("*.*"):
        if stored.is_file() and stored.read_bytes() == b"the second one":
            stored.unlink()

    ended = supakeep(
        "restore", "latest", "--from", "copies", "--files", "all", "--confirm", PROJECT
    )
    verified = supakeep("verify", "latest", "--from", "copies")

    assert (ended.code, verified.code) == (3, 3)
    assert "avatars/folder/two.png: files/" in ended.out
    assert "1 file is missing: files/" in verified.out
    assert ("avatars", "one.png") in files.held


@pytest.mark.parametrize(
    "other", [("--table", "orders"), ("--auth", "all"), ("--mode", "replace"), ("--where", "id=1")]
)
def test_files_are_restored_by_a_command_of_their_own(
    supakeep: Supakeep, files: InMemoryProjectFiles, other: tuple[str, str]
) -> None:
    ended = supakeep("restore", "latest", "--files", "all", *other, "--dry-run")

    assert ended.code == 2
    assert "give it a command of its own" in " ".join(ended.err.split())


def test_another_ref_than_the_projects_confirms_nothing(
    supakeep: Supakeep, files: InMemoryProjectFiles
) -> None:
    files.held.clear()

    ended = supakeep(
        "restore", "latest", "--from", "copies", "--files", "all", "--confirm", "another"
    )

    assert ended.code == 1
    assert files.held == {}


def test_a_file_that_is_gone_before_it_is_copied_is_counted(
    supakeep: Supakeep, files: InMemoryProjectFiles
) -> None:
    files.put("avatars", "new.png", b"a new one")
    files.before_read = lambda file: files.delete(file.bucket, file.name)

    ended = supakeep("backup", "--to", "copies")

    assert "Files: 3 in 2 buckets, 31 bytes; 1 gone before they were copied" in ended.out
    assert ended.code == 0


def test_a_backup_that_is_shown_counts_the_files_of_each_bucket(
    supakeep: Supakeep, files: InMemoryProjectFiles
) -> None:
    shown = supakeep("show", "latest", "--from", "copies")
    as_json = supakeep("show", "latest", "--from", "copies", "--json")

    lines = [line.split() for line in shown.out.splitlines()]
    assert ["avatars", "2", "31", "bytes", "0"] in lines
    assert ["papers", "1", "0", "bytes", "0"] in lines
    assert as_json.json["files"]["per_bucket"][0] == {
        "bucket": "avatars",
        "files": 2,
        "bytes": 31,
        "left": 0,
    }


@pytest.fixture
def copies(
    supakeep: Supakeep,
    shop: InMemoryDatabase,
    around: Surroundings,
    primary: InMemoryObjectStore,
    mirror: InMemoryObjectStore,
) -> InMemoryObjectStore:
    """The mirror of a project whose files it holds."""
    Path("supakeep.toml").write_text('[backup]\ntables = "*"\n[backup.files]\nbuckets = "*"\n')
    around.adapters["files"] = some_files()
    assert supakeep("backup").code == 0
    return mirror


def test_a_copy_that_is_made_whole_gets_files_from_another_copy(
    supakeep: Supakeep, copies: InMemoryObjectStore, around: Surroundings
) -> None:
    added = InMemoryObjectStore("added")
    around.adapters["copies"] = [copies, added]
    key = next(key for key, held in copies.objects.items() if held == b"the second one")
    copies.place(key, b"the secOnd one")

    looked = supakeep("copy", "latest", "--dry-run")
    copied = supakeep("copy", "latest")
    deep = supakeep("copy", "latest", "--deep")

    assert "of its files 3 missing would be copied" in looked.out
    assert copied.code == 3
    assert "1 file is not right in added: files/" in " ".join(copied.out.split())
    assert {held for key, held in added.objects.items() if key.startswith("files/")} == {
        b"the first picture",
        b"",
    }
    assert deep.code == 3


def test_a_deep_copy_is_of_one_backup(supakeep: Supakeep, copies: InMemoryObjectStore) -> None:
    ended = supakeep("copy", "--all", "--deep")

    assert ended.code == 2
    assert "name it instead of --all" in " ".join(ended.err.split())


def test_files_are_downloaded_under_their_own_names(
    supakeep: Supakeep, files: InMemoryProjectFiles
) -> None:
    download = ("download", "latest", "--from", "copies", "--files", "avatars")

    written = supakeep(*download, "--to", "mine")
    again = supakeep(*download, "--to", "mine", "--json")

    assert "2 files in the backup, 2 written into mine (31 bytes)" in written.out
    assert (written.code, again.code) == (0, 0)
    assert (again.json["written"], again.json["already_there"]) == (0, 2)
    assert Path("mine/avatars/folder/two.png").read_bytes() == b"the second one"
    assert not Path("mine/daily").exists()


def test_files_that_do_not_come_are_named_with_exit_code_3(
    supakeep: Supakeep, files: InMemoryProjectFiles
) -> None:
    Path("mine/avatars").mkdir(parents=True)
    Path("mine/avatars/one.png").write_text("mine")

    ended = supakeep("download", "latest", "--from", "copies", "--files", "all", "--to", "mine")

    assert ended.code == 3
    assert "avatars/one.png: Another file of this name is there, and stays" in ended.out


@pytest.mark.parametrize("place", ["s3://bucket", "copies"])
def test_files_in_the_clear_go_into_no_bucket_and_beside_no_backup(
    supakeep: Supakeep, files: InMemoryProjectFiles, place: str
) -> None:
    ended = supakeep("download", "latest", "--from", "copies", "--files", "all", "--to", place)

    assert ended.code == 1
    assert b"the first picture" not in {
        path.read_bytes() for path in Path("copies/avatars").rglob("*") if path.is_file()
    }


def test_a_download_without_its_files_says_how_they_come(
    supakeep: Supakeep, files: InMemoryProjectFiles
) -> None:
    ended = supakeep("download", "latest", "--from", "copies", "--to", "elsewhere")

    assert "--files all" in ended.out
    assert ended.code == 0
