"""What the machine or the settings refuse is reported in a sentence, not in a traceback."""

from __future__ import annotations

import errno
import tempfile
from pathlib import Path
from typing import BinaryIO

import pytest

from supakeep.cli.session import Session
from supakeep.stores.retrying import RetryingObjectStore
from supakeep.system import temporary_file
from tests.builders.backups import ITEMS
from tests.builders.manifests import PROJECT
from tests.fakes.database import InMemoryDatabase
from tests.fakes.faulty_object_store import FailingObjectStore
from tests.fakes.object_store import InMemoryObjectStore
from tests.unit.cli.conftest import Supakeep, Surroundings


class AcrossTheNetwork(InMemoryObjectStore):
    """Its objects wait in the temporary folder."""

    def spool(self, key: str) -> BinaryIO:  # noqa: ARG002 (the port's)
        return temporary_file()


@pytest.fixture
def far(around: Surroundings) -> InMemoryObjectStore:
    """The store at s3://far."""
    store = AcrossTheNetwork()
    around.places["s3://far"] = store
    return store


@pytest.mark.usefixtures("shop")
def test_a_full_disk_is_reported_with_the_temporary_folder(
    supakeep: Supakeep,
    far: InMemoryObjectStore,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    def on_a_full_disk(**_: object) -> BinaryIO:
        return Path("/dev/full").open("w+b")

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(tempfile, "TemporaryFile", on_a_full_disk)

    ended = supakeep("backup", "--to", "s3://far")

    assert (ended.code, ended.out) == (1, "")
    assert "error: No space left on device\nhint: " in ended.err
    assert f"Free some space in {tmp_path}, or set TMPDIR to another folder" in ended.err
    assert far.objects == {}


@pytest.mark.usefixtures("shop", "far")
def test_a_temporary_folder_that_is_gone_is_reported_by_its_path(
    supakeep: Supakeep, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))

    ended = supakeep("backup", "--to", "s3://far")

    assert (ended.code, ended.out) == (1, "")
    assert f"error: No such file or directory: {tmp_path}/gone" in ended.err
    assert "hint: Check the path and its permissions. TMPDIR" in ended.err


@pytest.mark.usefixtures("shop", "far")
def test_a_machine_without_any_temporary_folder_is_reported(
    supakeep: Supakeep, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(tempfile, "_candidate_tempdir_list", lambda: ["/nowhere"])

    ended = supakeep("backup", "--to", "s3://far")

    assert ended.code == 1
    assert "error: No usable temporary directory found in ['/nowhere']\nhint: " in ended.err
    assert "TMPDIR" in ended.err


def test_whatever_else_the_machine_refuses_is_a_sentence_too(
    supakeep: Supakeep, around: Surroundings
) -> None:
    def refused(_: Session) -> int:
        raise OSError(errno.EMFILE, "Too many open files")

    around.replace_run("list", refused)

    plain, as_json = supakeep("list"), supakeep("list", "--json")

    assert (plain.code, as_json.code) == (1, 1)
    assert plain.err.startswith("error: Too many open files\nhint: ")
    assert as_json.json["error"] == "Too many open files"


@pytest.mark.parametrize("key", ["schlüssel", "sb_one\nsb_two"])
@pytest.mark.parametrize("name", ["SUPABASE_SERVICE_ROLE_KEY", "ADMIN_KEY"])
def test_a_key_that_no_header_can_carry_is_reported_without_the_key(
    supakeep: Supakeep, monkeypatch: pytest.MonkeyPatch, name: str, key: str
) -> None:
    monkeypatch.setenv(name, key)

    for arguments in (["list"], ["backup", "--to", "copies"]):
        ended = supakeep(*arguments, "--verbose")

        assert ended.code == 1
        assert f"error: {name} is not a key: it contains a space" in ended.err
        assert not any(word in ended.out + ended.err for word in key.split())


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize(
    ("place", "name"),
    [
        ("s3://", "my-bucket"),
        ("s3://my bucket", "my-bucket"),
    ],
)
@pytest.mark.parametrize(
    "command",
    [
        ("list", "--from"),
        ("verify", "latest", "--from"),
        ("show", f"backup_{PROJECT}_2026-11-22", "--from"),
        ("restore", "latest", "--dry-run", "--from"),
        ("prune", "--dry-run", "--from"),
        ("backup", "--to"),
    ],
    ids=lambda command: command[0],
)
def test_what_is_no_bucket_is_refused_with_what_to_write_instead(
    supakeep: Supakeep,
    monkeypatch: pytest.MonkeyPatch,
    command: tuple[str, ...],
    place: str,
    name: str,
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "nobody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "nothing")

    ended = supakeep(*command, place)

    said = ended.out + ended.err
    assert ended.code != 0
    assert "is not the name of an S3 bucket" in said
    assert f"Write s3://{name} or s3://{name}/prefix (--from, --to, [[copy]])" in said


BROKEN = "postgresql://postgres:ca@na#ry%1@db.{project}.supabase.co:5432/postgres"


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize(
    "arguments",
    [
        ("backup", "--to", "copies"),
        ("list",),
        ("restore", "latest", "--from", "copies", "--confirm", PROJECT),
        ("prune", "--json"),
    ],
)
def test_a_password_that_is_not_percent_encoded_is_refused_without_a_part_of_it(
    supakeep: Supakeep, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    monkeypatch.setenv("SUPABASE_DB_URL", BROKEN.format(project=PROJECT))

    ended = supakeep(*arguments, "--verbose")

    assert ended.code == 1
    assert "error: SUPABASE_DB_URL has a character in its user or password" in ended.err
    assert "hint: Percent-encode the password: @ as %40, # as %23" in ended.err
    for part in ("ca@", "na#", "ry%1"):
        assert part not in ended.out + ended.err


@pytest.mark.parametrize("confirm", [PROJECT, "other"])
def test_a_restore_is_refused_where_url_and_database_are_of_two_projects(
    supakeep: Supakeep,
    shop: InMemoryDatabase,
    backup_in_copies: str,
    monkeypatch: pytest.MonkeyPatch,
    confirm: str,
) -> None:
    monkeypatch.setenv("SUPABASE_DB_URL", "postgresql://postgres:pw@db.other.supabase.co/postgres")
    shop.delete(ITEMS, id=1)
    before = shop.everything()

    ended = supakeep("restore", backup_in_copies, "--from", "copies", "--confirm", confirm)

    assert ended.code == 1
    assert f"the Supabase URL says {PROJECT}, and SUPABASE_DB_URL says other" in ended.err
    assert shop.everything() == before


def test_a_restore_into_a_database_that_shows_no_ref_must_name_it(
    supakeep: Supakeep,
    shop: InMemoryDatabase,
    backup_in_copies: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SUPABASE_DB_URL", "postgresql://postgres:pw@db.example.com:6000/app")
    monkeypatch.setenv("SUPABASE_PROJECT_REF", PROJECT)
    shop.delete(ITEMS, id=1)
    before = shop.everything()
    command = ("restore", backup_in_copies, "--from", "copies", "--no-undo", "--confirm")

    refused = supakeep(*command, PROJECT)

    assert refused.code == 1
    assert f"You confirmed {PROJECT}; this writes to db.example.com:6000/app" in refused.err
    assert shop.everything() == before
    assert supakeep(*command, "db.example.com:6000/app").code == 0
    assert shop.everything() != before


@pytest.mark.usefixtures("shop")
def test_a_store_that_does_not_answer_at_once_is_said_to_be_tried_again(
    supakeep: Supakeep, around: Surroundings
) -> None:
    failing = FailingObjectStore(InMemoryObjectStore(), "put", times=2)
    around.places["s3://copies"] = RetryingObjectStore(failing, first_pause_seconds=0)

    ended = supakeep("backup", "--to", "s3://copies", "--json")

    assert (ended.code, ended.json["status"]) == (0, "complete")
    [line] = [line for line in ended.err.splitlines() if "trying again" in line]
    assert line.startswith("! ")
    assert line.endswith("; trying again for up to 75 seconds")
