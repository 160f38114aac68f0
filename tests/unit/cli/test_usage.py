"""Arguments that are refused, and ends that are no answer."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from supakeep.cli.main import CommandLine
from supakeep.cli.session import Session
from tests.builders.backups import CUSTOMERS, ITEMS
from tests.builders.manifests import PROJECT
from tests.fakes.database import InMemoryDatabase
from tests.fakes.faulty_object_store import FailingObjectStore
from tests.fakes.object_store import InMemoryObjectStore
from tests.unit.cli.conftest import Ended, Supakeep, Surroundings


@pytest.mark.parametrize("condition", ["id", "", "=5", "id:5"])
def test_a_condition_without_a_column_and_a_value_is_refused(
    supakeep: Supakeep, condition: str
) -> None:
    ended = supakeep("restore", "latest", "--where", condition)

    assert ended.code == 2
    assert f"Invalid value for '--where': {condition!r} is not COLUMN=VALUE" in ended.err


@pytest.mark.parametrize("value", ["customer 3", "", "a=b"])
def test_a_conditions_value_is_all_after_the_first_equals_sign(
    supakeep: Supakeep, shop: InMemoryDatabase, value: str
) -> None:
    shop.insert(CUSTOMERS, {"id": 3, "name": value, "balance": 0})
    supakeep("backup", "--to", "copies")
    shop.delete(CUSTOMERS, id=3)
    shop.delete(CUSTOMERS, id=4)

    ended = supakeep(
        *("restore", "latest", "--from", "copies", "--table", "customers"),
        *("--where", f"name={value}", "--confirm", PROJECT),
    )

    assert ended.code == 0
    assert [int(row["id"]) for row in shop.rows(CUSTOMERS)] == [1, 2, 3, 5]


@pytest.mark.parametrize("mode", ["overwrite", "MERGE", ""])
def test_a_mode_that_does_not_exist_is_refused(supakeep: Supakeep, mode: str) -> None:
    ended = supakeep("restore", "latest", "--mode", mode)

    assert ended.code == 2
    assert f"Invalid value for '--mode': {mode!r} is not one of 'merge'" in ended.err


@pytest.mark.parametrize("mode", ["missing-only", "replace"])
@pytest.mark.parametrize("dry_run", [[], ["--dry-run"]])
def test_a_mode_that_needs_the_database_itself_is_refused_with_the_setting(
    supakeep: Supakeep,
    shop: InMemoryDatabase,
    backup_in_copies: str,
    mode: str,
    dry_run: list[str],
) -> None:
    before = shop.everything()

    ended = supakeep(
        *("restore", backup_in_copies, "--from", "copies", "--confirm", PROJECT),
        *("--mode", mode, *dry_run),
    )

    assert ended.code == 1
    assert f"error: The mode {mode} needs a connection to the database itself" in ended.err
    assert "SUPABASE_DB_URL" in ended.err
    assert shop.everything() == before


def to_its_end(supakeep: Supakeep, *arguments: str) -> Ended:
    """An interrupt that escapes fails the test, and does not end all tests."""
    try:
        return supakeep(*arguments)
    except KeyboardInterrupt:
        pytest.fail("the interrupt escaped")


def test_a_command_that_is_interrupted_ends_with_130(
    supakeep: Supakeep, around: Surroundings
) -> None:
    def interrupted(_: Session) -> int:
        raise KeyboardInterrupt

    around.replace_run("list", interrupted)

    ended = to_its_end(supakeep, "list")

    assert (ended.code, ended.out, ended.err) == (130, "", "interrupted\n")


def test_a_backup_that_is_interrupted_is_no_backup(
    supakeep: Supakeep, shop: InMemoryDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(shop, "count", interrupted)

    assert to_its_end(supakeep, "backup", "--to", "copies").code == 130

    assert [path for path in Path("copies").rglob("*") if path.is_file()] == []


def test_what_an_interrupted_backup_cannot_remove_is_named(
    supakeep: Supakeep,
    around: Surroundings,
    shop: InMemoryDatabase,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def interrupted(_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(shop, "count", interrupted)
    monkeypatch.setenv("MAX_OBJECT_BYTES", "1024")
    store = InMemoryObjectStore()
    around.places["s3://copies"] = FailingObjectStore(store, "delete")
    for number in range(100, 105):
        shop.insert(ITEMS, {"id": number, "order_id": 1, "label": "x" * 500})

    ended = to_its_end(supakeep, "backup", "--to", "s3://copies")

    assert ended.code == 130
    assert ended.err.splitlines()[-1].startswith("Left behind: daily/backup_")
    assert all(key in ended.err for key in store.objects)


@pytest.mark.parametrize("dry_run", [[], ["--dry-run"]])
def test_a_run_that_no_backup_was_made_before_cannot_be_undone(
    supakeep: Supakeep, shop: InMemoryDatabase, backup_in_copies: str, dry_run: list[str]
) -> None:
    before, run = shop.everything(), "20261122T030000Z-1a2b3c4d"

    ended = supakeep("undo", run, "--from", "copies", "--confirm", PROJECT, *dry_run)

    assert ended.code == 1
    assert f"error: No undo copy was made before run {run}\nhint: " in ended.err
    assert shop.everything() == before
    assert backup_in_copies not in ended.out


@pytest.mark.parametrize("run", ["latest", "../runs", "20261122"])
def test_what_is_not_a_run_id_cannot_be_undone(
    supakeep: Supakeep, backup_in_copies: str, run: str
) -> None:
    ended = supakeep("undo", run, "--from", "copies", "--confirm", PROJECT)

    assert ended.code == 1
    assert f"error: {run!r} is not a run ID\nhint: A run ID looks like" in ended.err
    assert backup_in_copies not in ended.out


@pytest.mark.parametrize("which", [(), ("20261122T030000Z-1a2b3c4d", "--last")])
def test_undo_takes_one_restore(supakeep: Supakeep, which: tuple[str, ...]) -> None:
    ended = supakeep("undo", *which)

    assert ended.code == 2
    assert "--last" in ended.err


@pytest.mark.parametrize("command", [("restore", "latest"), ("undo", "--last")])
@pytest.mark.parametrize("table", ["", " "])
def test_an_empty_table_does_not_mean_every_table(
    supakeep: Supakeep, command: tuple[str, ...], table: str
) -> None:
    ended = supakeep(*command, "--table", table)

    assert ended.code == 2
    assert "Invalid value for '--table': it is empty. Name a table" in ended.err


def test_a_condition_that_no_row_meets_is_said_and_exit_code_3(
    supakeep: Supakeep, shop: InMemoryDatabase, backup_in_copies: str
) -> None:
    before = shop.everything()

    ended = supakeep(
        *("restore", backup_in_copies, "--from", "copies", "--confirm", PROJECT),
        *("--table", "customers", "--where", "name=nobody"),
    )

    assert ended.code == 3
    assert f"! {CUSTOMERS}: no row of the backup has name = nobody" in ended.out
    assert shop.everything() == before


@pytest.mark.parametrize("dry_run", [False, True])
def test_an_interrupted_restore_names_the_tables_that_it_may_have_written(
    supakeep: Supakeep,
    shop: InMemoryDatabase,
    backup_in_copies: str,
    monkeypatch: pytest.MonkeyPatch,
    *,
    dry_run: bool,
) -> None:
    def interrupted(_: object) -> int:
        raise KeyboardInterrupt

    shop.delete(CUSTOMERS, id=5)
    monkeypatch.setattr(shop, "count_table", interrupted)
    how = ("--dry-run",) if dry_run else ("--confirm", PROJECT)

    ended = to_its_end(supakeep, "restore", "latest", "--from", "copies", *how)

    assert ended.code == 130
    said = f"Rows may have been written to {CUSTOMERS}, " in ended.err
    assert said is not dry_run


def test_no_command_at_all_shows_the_commands() -> None:
    err = io.StringIO()

    code = CommandLine(err=err).run([])

    assert code == 2
    assert "Restore a backup into the database." in err.getvalue()
