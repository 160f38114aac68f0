"""What a restore keeps before it writes, and the printed command that brings it back."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

import pytest

from supakeep.domain.manifest import Manifest, Trigger
from supakeep.errors import DatabaseUnavailableError
from supakeep.usecases.list_backups import list_backups
from tests.builders.backups import CUSTOMERS, ITEMS, ORDERS, a_shop
from tests.builders.keys import OURS
from tests.builders.manifests import PROJECT
from tests.fakes.database import EVERY_MODE, FailingExportDatabase, InMemoryDatabase
from tests.fakes.faulty_object_store import FailingObjectStore
from tests.fakes.object_store import InMemoryObjectStore
from tests.unit.cli.conftest import Ended, Supakeep, Surroundings

DESTINATION = "127.0.0.1/postgres"


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch, around: Surroundings) -> InMemoryDatabase:
    """The database by its own address, with Storage beside it."""
    monkeypatch.setenv("SUPABASE_DB_URL", "postgresql://postgres@127.0.0.1/postgres")
    monkeypatch.setenv("SUPABASE_PROJECT_REF", PROJECT)
    database = a_shop(InMemoryDatabase(engine=EVERY_MODE))
    around.adapters["database"] = database
    return database


@pytest.fixture
def _no_storage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NEXT_PUBLIC_SUPABASE_URL")


def command_in(restored: Ended) -> str:
    """The command that a restore prints for its undo."""
    assert restored.code == 0, restored.err
    [line] = [line for line in restored.out.splitlines() if line.startswith("Undo with: ")]
    return line.removeprefix("Undo with: ")


@pytest.fixture
def _encrypted() -> None:
    """Backups are encrypted to the key in key.txt."""
    Path("supakeep.toml").write_text(
        f'[backup]\ntables = "*"\n[encryption]\nrecipients = ["{OURS.public}"]\n'
    )
    Path("key.txt").write_text(OURS.private)


@pytest.mark.usefixtures("primary", "_encrypted")
def test_the_printed_undo_of_an_encrypted_backup_has_its_identity(
    supakeep: Supakeep, shop: InMemoryDatabase
) -> None:
    supakeep("backup")

    command = check_pasted(supakeep, shop, "--identity", "key.txt")

    assert "--identity key.txt" in command


@pytest.mark.usefixtures("primary")
def test_an_undo_copy_is_encrypted_as_the_policy_says_and_its_command_says_what_it_needs(
    supakeep: Supakeep, shop: InMemoryDatabase, request: pytest.FixtureRequest
) -> None:
    supakeep("backup")
    request.getfixturevalue("_encrypted")
    shop.insert(CUSTOMERS, {"id": 1, "name": "changed since", "balance": 0})

    restored = supakeep("restore", "latest", "--confirm", DESTINATION)

    assert "--identity FILE" in command_in(restored)
    assert f"an undo needs the private key of {OURS.public}" in " ".join(restored.out.split())


@pytest.mark.usefixtures("primary", "_encrypted")
def test_the_printed_undo_needs_no_identity_where_the_environment_has_it(
    supakeep: Supakeep, shop: InMemoryDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGE_IDENTITY", OURS.private)
    supakeep("backup")

    assert "--identity" not in check_pasted(supakeep, shop)


def check_pasted(supakeep: Supakeep, shop: InMemoryDatabase, *source: str) -> str:
    """Restores from there, pastes what is printed, and finds the shop as it was; the command."""
    shop.insert(CUSTOMERS, {"id": 1, "name": "changed since", "balance": 0})
    before = shop.everything()
    command = command_in(supakeep("restore", "latest", *source, "--confirm", DESTINATION))
    assert shop.everything() != before

    program, *arguments = shlex.split(command)

    assert program == "supakeep"
    # an undo can be undone as well
    redo = command_in(supakeep(*arguments))
    assert shop.everything() == before
    assert len(shlex.split(redo)) == len(shlex.split(command))
    return command


def undo_backups(store: InMemoryObjectStore) -> list[Manifest]:
    found = [backup.manifest for backup in list_backups([store]).backups]
    return [m for m in found if m and m.trigger is Trigger.PRE_RESTORE]


@pytest.mark.parametrize("source", [(), ("--from", "primary"), ("--from", "mirror")])
def test_storage_keeps_the_undo_wherever_the_backup_was_read(
    supakeep: Supakeep,
    shop: InMemoryDatabase,
    primary: InMemoryObjectStore,
    mirror: InMemoryObjectStore,
    source: Sequence[str],
) -> None:
    supakeep("backup")

    assert "--from" not in check_pasted(supakeep, shop, *source)
    assert len(undo_backups(primary)) == len(undo_backups(mirror)) == 2


def test_storage_keeps_the_undo_of_what_came_from_a_folder(
    supakeep: Supakeep, shop: InMemoryDatabase, primary: InMemoryObjectStore
) -> None:
    supakeep("backup", "--to", "copies")

    assert "--from" not in check_pasted(supakeep, shop, "--from", "copies")
    assert len(undo_backups(primary)) == 2


@pytest.mark.usefixtures("_no_storage")
@pytest.mark.parametrize("folder", ["copies", "./my copies; and 'more'"])
def test_without_storage_the_undo_is_in_the_folder_and_the_command_says_so(
    supakeep: Supakeep, shop: InMemoryDatabase, folder: str
) -> None:
    supakeep("backup", "--to", folder)

    command = check_pasted(supakeep, shop, "--from", folder)

    assert f" --from {shlex.quote(folder)} --confirm {DESTINATION}" in command


@pytest.mark.usefixtures("_no_storage")
def test_without_storage_the_undo_is_in_the_bucket_and_the_command_says_so(
    supakeep: Supakeep, shop: InMemoryDatabase, around: Surroundings
) -> None:
    bucket = InMemoryObjectStore("s3://copies", piece_bytes=4096)
    around.places[bucket.name] = bucket
    supakeep("backup", "--to", bucket.name)

    command = check_pasted(supakeep, shop, "--from", bucket.name)

    assert f" --from s3://copies --confirm {DESTINATION}" in command


@pytest.mark.usefixtures("_no_storage")
@pytest.mark.parametrize("source", [(), ("--from", "primary")])
def test_a_bucket_in_the_place_of_storage_is_found_by_itself(
    supakeep: Supakeep,
    shop: InMemoryDatabase,
    primary: InMemoryObjectStore,
    source: Sequence[str],
) -> None:
    supakeep("backup")

    assert "--from" not in check_pasted(supakeep, shop, *source)


def test_what_is_kept_for_an_undo_passes_over_other_tables_by_intent(
    supakeep: Supakeep, shop: InMemoryDatabase, primary: InMemoryObjectStore
) -> None:
    supakeep("backup")

    supakeep("restore", "latest", "--table", "items", "--confirm", DESTINATION)

    [kept] = undo_backups(primary)
    assert [entry.name for entry in kept.tables] == [ITEMS]
    assert kept.uncovered_tables == ()


def test_a_table_that_cannot_be_kept_stops_the_restore_and_nothing_is_written(
    supakeep: Supakeep,
    shop: InMemoryDatabase,
    primary: InMemoryObjectStore,
    around: Surroundings,
) -> None:
    supakeep("backup")
    gone = DatabaseUnavailableError("no answer", operation="query")
    failing = a_shop(FailingExportDatabase({ORDERS: (0, gone)}, engine=EVERY_MODE))
    failing.delete(ITEMS, id=1)
    before = failing.everything()
    around.adapters["database"] = failing

    stopped = supakeep("restore", "latest", "--confirm", DESTINATION)

    assert stopped.code == 1
    assert f"Nothing was written, because {ORDERS} could not be kept for an undo" in stopped.err
    assert "hint: Fix that and restore again, or restore without an undo" in stopped.err
    assert failing.everything() == before
    assert supakeep("restore", "latest", "--confirm", DESTINATION, "--no-undo").code == 0
    assert failing.everything() != before


def test_a_mirror_that_does_not_keep_the_undo_is_reported_and_stops_nothing(
    supakeep: Supakeep,
    shop: InMemoryDatabase,
    primary: InMemoryObjectStore,
    mirror: InMemoryObjectStore,
    around: Surroundings,
) -> None:
    supakeep("backup")
    around.adapters["copies"] = [FailingObjectStore(mirror, "put")]

    restored = supakeep("restore", "latest", "--confirm", DESTINATION)

    assert restored.code == 0
    [kept] = undo_backups(primary)
    assert f"! {kept.backup}: The copy in mirror failed: mirror did not answer" in restored.out


def test_the_last_restore_is_undone_without_its_run(
    supakeep: Supakeep, shop: InMemoryDatabase, primary: InMemoryObjectStore
) -> None:
    supakeep("backup")
    shop.insert(CUSTOMERS, {"id": 1, "name": "changed since", "balance": 0})
    before = shop.everything()
    restored = supakeep("restore", "latest", "--confirm", DESTINATION, "--json")
    assert shop.everything() != before

    undone = supakeep("undo", "--last", "--confirm", DESTINATION, "--json")

    assert undone.code == 0
    assert undone.json["backup"] == restored.json["undo_backup"]
    assert shop.everything() == before


def test_a_restore_is_undone_by_the_name_of_its_undo_copy(
    supakeep: Supakeep, shop: InMemoryDatabase, primary: InMemoryObjectStore
) -> None:
    supakeep("backup")
    shop.insert(CUSTOMERS, {"id": 1, "name": "changed since", "balance": 0})
    before = shop.everything()
    restored = supakeep("restore", "latest", "--confirm", DESTINATION, "--json")

    undone = supakeep("undo", restored.json["undo_backup"], "--confirm", DESTINATION)

    assert undone.code == 0, undone.err
    assert shop.everything() == before


def test_one_table_of_a_restore_is_undone(
    supakeep: Supakeep, shop: InMemoryDatabase, primary: InMemoryObjectStore
) -> None:
    supakeep("backup")
    shop.insert(CUSTOMERS, {"id": 1, "name": "changed since", "balance": 0})
    shop.delete(ITEMS, id=1)
    customers = shop.rows(CUSTOMERS)
    supakeep("restore", "latest", "--confirm", DESTINATION)

    undone = supakeep("undo", "--last", "--table", "customers", "--confirm", DESTINATION, "--json")

    assert [table["name"] for table in undone.json["tables"]] == [CUSTOMERS]
    assert shop.rows(CUSTOMERS) == customers
    assert len(shop.rows(ITEMS)) == 5


def test_a_backup_that_no_restore_made_is_restored_and_not_undone(
    supakeep: Supakeep, shop: InMemoryDatabase, primary: InMemoryObjectStore
) -> None:
    name = supakeep("backup", "--json").json["name"]
    before = shop.everything()

    ended = supakeep("undo", name, "--confirm", DESTINATION)

    assert ended.code == 1
    assert f"error: {name} is not an undo copy: no restore made it" in ended.err
    assert f"hint: Restore it with `supakeep restore {name}`." in ended.err
    assert shop.everything() == before


def test_a_restore_says_when_it_keeps_an_undo_copy_and_when_it_writes(
    supakeep: Supakeep, shop: InMemoryDatabase, primary: InMemoryObjectStore
) -> None:
    supakeep("backup")

    said = supakeep("restore", "latest", "--confirm", DESTINATION).err
    dry = supakeep("restore", "latest", "--dry-run").err

    assert said.index("Keeping an undo copy ...") < said.index("Restoring ...")
    assert "undo copy" not in dry
    assert "Comparing ..." in dry
    assert "Restoring" not in dry


def test_without_any_restore_there_is_nothing_to_undo(
    supakeep: Supakeep, shop: InMemoryDatabase, primary: InMemoryObjectStore
) -> None:
    supakeep("backup")

    ended = supakeep("undo", "--last", "--confirm", DESTINATION)

    assert ended.code == 1
    assert f"error: No restore of project {PROJECT} has left an undo copy" in ended.err
