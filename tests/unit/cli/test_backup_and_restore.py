from __future__ import annotations

import json
from pathlib import Path

import pytest

from supakeep.errors import DatabaseUnavailableError
from tests.builders.backups import CUSTOMERS, ITEMS, ORDERS, a_shop, emptied
from tests.builders.manifests import PROJECT
from tests.builders.tables import a_table
from tests.fakes.database import FailingExportDatabase, InMemoryDatabase
from tests.fakes.faulty_object_store import FailingObjectStore
from tests.fakes.object_store import InMemoryObjectStore
from tests.fakes.time import FixedClock
from tests.unit.cli.conftest import Supakeep, Surroundings


def test_a_backup_goes_into_a_folder_and_comes_back(
    supakeep: Supakeep, shop: InMemoryDatabase, around: Surroundings
) -> None:
    made = supakeep("backup", "--to", "copies", "--json")
    target = emptied(shop)
    around.adapters["database"] = target

    restored = supakeep(
        "restore", made.json["name"], "--from", "copies", "--confirm", PROJECT, "--json"
    )

    assert (made.code, restored.code) == (0, 0)
    assert made.json["status"] == "complete"
    assert made.json["trigger"] == "cli"
    assert target.everything() == shop.everything()
    assert {t["name"]: t["inserted"] for t in restored.json["tables"]} == {
        CUSTOMERS: 5,
        ORDERS: 5,
        ITEMS: 5,
    }


def test_files_of_a_backup_are_readable_only_by_their_owner(
    supakeep: Supakeep, backup_in_copies: str
) -> None:
    files = list(Path("copies/daily").iterdir())

    assert {path.name for path in files} == {
        f"{backup_in_copies}.sql.json",
        f"{backup_in_copies}.manifest.json",
    }
    assert {path.stat().st_mode & 0o077 for path in files} == {0}


def test_files_that_were_downloaded_into_one_folder_are_restored_too(
    supakeep: Supakeep, shop: InMemoryDatabase, backup_in_copies: str
) -> None:
    downloads = Path("downloads")
    downloads.mkdir()
    for path in Path("copies/daily").iterdir():
        path.rename(downloads / path.name)
    before = shop.everything()
    shop.delete(ITEMS, id=1)

    ended = supakeep("restore", backup_in_copies, "--from", "downloads", "--confirm", PROJECT)

    assert ended.code == 0
    assert shop.everything() == before


def test_a_person_reads_a_table_of_what_was_backed_up(
    supakeep: Supakeep, shop: InMemoryDatabase
) -> None:
    ended = supakeep("backup", "--to", "copies")

    lines = ended.out.splitlines()
    assert lines[0].endswith("  complete")
    assert lines[1].startswith("15 rows, ")
    assert ", in under 1 s, " in lines[1]
    assert lines[2].split() == ["TABLE", "ROWS", "SIZE", "STATUS", "POLICY"]
    assert lines[3].split() == [CUSTOMERS, "5", *lines[3].split()[2:4], "complete", "all"]
    # progress goes to standard error, so that the output can be piped
    assert f"{CUSTOMERS:<40}" in ended.err


def test_a_backup_goes_to_storage_and_the_mirror(
    supakeep: Supakeep,
    shop: InMemoryDatabase,
    primary: InMemoryObjectStore,
    mirror: InMemoryObjectStore,
) -> None:
    ended = supakeep("backup", "--json")

    assert ended.code == 0
    assert ended.json["locations"] == ["primary", "mirror"]
    assert primary.objects == mirror.objects != {}


def test_a_table_that_fails_makes_a_partial_backup_and_exit_code_3(
    supakeep: Supakeep, around: Surroundings
) -> None:
    error = DatabaseUnavailableError("no answer", operation="query", hint="Try again")
    shop = FailingExportDatabase({ORDERS: (1, error)})
    around.adapters["database"] = a_shop(shop)

    ended = supakeep("backup", "--to", "copies")

    assert ended.code == 3
    assert "partial" in ended.out.splitlines()[0]
    assert "! no answer (Try again)" in ended.out


def test_a_table_without_a_grant_is_named_with_the_exact_grant(
    supakeep: Supakeep, shop: InMemoryDatabase
) -> None:
    shop.add_table(a_table("secret", readable=False))

    ended = supakeep("backup", "--to", "copies")

    assert ended.code == 3
    assert "Permission denied for table public.secret" in ended.out
    assert 'GRANT SELECT ON "public"."secret" TO service_role;' in ended.out


def test_a_mirror_that_fails_makes_a_partial_backup_and_exit_code_3(
    supakeep: Supakeep,
    shop: InMemoryDatabase,
    primary: InMemoryObjectStore,
    mirror: InMemoryObjectStore,
    around: Surroundings,
) -> None:
    around.adapters["copies"] = [FailingObjectStore(mirror, "put")]

    ended = supakeep("backup")

    assert ended.code == 3
    assert "! The copy in mirror failed: mirror did not answer" in ended.out
    assert len(primary.of_backups) == 2


def test_a_missing_bucket_is_reported_in_the_words_of_the_guide_with_the_fix(
    supakeep: Supakeep, shop: InMemoryDatabase, primary: InMemoryObjectStore
) -> None:
    primary.has_bucket = False

    ended = supakeep("backup")

    assert ended.code == 1
    assert ended.out == ""
    assert (
        "error: Upload failed: Storage bucket not found\nhint: Run what `supakeep migration`"
        in ended.err
    )


def test_another_policy_file_is_named_with_config(
    supakeep: Supakeep, shop: InMemoryDatabase
) -> None:
    Path("mine.toml").write_text('[[table]]\nname = "orders"\n')

    ended = supakeep("backup", "--to", "copies", "--config", "mine.toml", "--json")

    assert [table["name"] for table in ended.json["tables"]] == [ORDERS]
    assert ended.json["uncovered_tables"] == [CUSTOMERS, ITEMS]


def test_a_wrong_policy_file_stops_the_backup_before_it_begins(
    supakeep: Supakeep, shop: InMemoryDatabase
) -> None:
    Path("mine.toml").write_text('[[table]]\nname = "orders"\nlast_row = 5\n')

    ended = supakeep("backup", "--to", "copies", "--config", "mine.toml")

    assert ended.code == 1
    assert "error: mine.toml: table.1.last_row is not a key that Supakeep knows" in ended.err
    assert not Path("copies").exists()


def test_a_policy_file_that_does_not_exist_is_reported(
    supakeep: Supakeep, shop: InMemoryDatabase
) -> None:
    ended = supakeep("backup", "--to", "copies", "--config", "gone.toml")

    assert ended.code == 1
    assert "error: gone.toml cannot be read: No such file or directory" in ended.err


@pytest.mark.parametrize(
    ("confirm", "said"),
    [
        ([], f"A restore overwrites live data of project {PROJECT} and must be confirmed"),
        (
            ["--confirm", "another"],
            f"You confirmed another; this writes to {PROJECT}",
        ),
    ],
)
def test_an_unconfirmed_restore_is_refused_and_writes_nothing(
    supakeep: Supakeep, shop: InMemoryDatabase, backup_in_copies: str, confirm: list[str], said: str
) -> None:
    shop.delete(ITEMS, id=1)
    before = shop.everything()

    ended = supakeep("restore", backup_in_copies, "--from", "copies", *confirm)

    assert ended.code == 1
    assert f"error: {said}" in ended.err
    assert f"--confirm {PROJECT}" in ended.err
    assert shop.everything() == before


def test_a_dry_run_shows_what_would_be_written_and_writes_nothing(
    supakeep: Supakeep, shop: InMemoryDatabase, backup_in_copies: str
) -> None:
    shop.delete(ITEMS, id=1)
    before = shop.everything()

    ended = supakeep("restore", backup_in_copies, "--from", "copies", "--dry-run")

    assert ended.code == 0
    assert "WOULD BE WRITTEN" in ended.out
    items = next(line for line in ended.out.splitlines() if line.startswith(ITEMS))
    assert items.split() == [ITEMS, "5", "1", "1", "0", "0", "4", "0", "4"]
    assert shop.everything() == before


def test_only_the_chosen_tables_are_restored(
    supakeep: Supakeep, shop: InMemoryDatabase, backup_in_copies: str
) -> None:
    shop.delete(ITEMS, id=1)
    shop.delete(ORDERS, id=5)

    ended = supakeep(
        "restore", "latest", "--from", "copies", "--confirm", PROJECT,
        "--table", "orders", "--table", "public.customers", "--json",
    )  # fmt: skip

    assert [table["name"] for table in ended.json["tables"]] == [CUSTOMERS, ORDERS]
    assert len(shop.rows(ORDERS)) == 5
    assert len(shop.rows(ITEMS)) == 4


def test_an_unknown_table_is_refused_with_those_that_there_are(
    supakeep: Supakeep, shop: InMemoryDatabase, backup_in_copies: str
) -> None:
    ended = supakeep(
        "restore", "latest", "--from", "copies", "--confirm", PROJECT, "--table", "ghost"
    )

    assert ended.code == 1
    assert f"error: {backup_in_copies} has no table public.ghost" in ended.err
    assert f"hint: It has: {CUSTOMERS}, {ITEMS}, {ORDERS}." in ended.err


def test_rows_that_the_database_refuses_are_listed_and_exit_code_3(
    supakeep: Supakeep, shop: InMemoryDatabase, backup_in_copies: str
) -> None:
    shop.delete(ORDERS, id=2)
    shop.delete(CUSTOMERS, id=2)

    ended = supakeep(
        "restore", "latest", "--from", "copies", "--confirm", PROJECT, "--table", "orders"
    )

    assert ended.code == 3
    assert f'! {ORDERS} {{"id": "2"}}: ' in ended.out


def test_rows_that_a_trigger_altered_are_shown_and_exit_code_3(
    supakeep: Supakeep, shop: InMemoryDatabase, backup_in_copies: str
) -> None:
    shop.delete(CUSTOMERS, id=3)
    shop.triggers[CUSTOMERS] = {"name": "someone else"}

    ended = supakeep("restore", "latest", "--from", "copies", "--confirm", PROJECT)

    assert ended.code == 3
    assert f"! {CUSTOMERS}: 1 of the rows written are not as the backup has them" in ended.out
    assert f'{CUSTOMERS} id=3: name "customer 3" -> "someone else"' in ended.out


def test_another_projects_backup_needs_consent(
    supakeep: Supakeep,
    shop: InMemoryDatabase,
    backup_in_copies: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("NEXT_PUBLIC_SUPABASE_URL", "https://staging.supabase.co")
    command = ("restore", backup_in_copies, "--from", "copies", "--confirm", "staging")

    refused = supakeep(*command)
    allowed = supakeep(*command, "--allow-other-project")

    assert (refused.code, allowed.code) == (1, 0)
    assert f"is a backup of project {PROJECT}, not of staging" in refused.err


def test_a_damaged_document_is_reported_by_name_and_nothing_is_written(
    supakeep: Supakeep, shop: InMemoryDatabase, backup_in_copies: str
) -> None:
    document = Path(f"copies/daily/{backup_in_copies}.sql.json")
    document.write_bytes(document.read_bytes().replace(b"customer 3", b"customer 4"))
    before = shop.everything()

    ended = supakeep("restore", "latest", "--from", "copies", "--confirm", PROJECT)

    assert ended.code == 1
    assert f"error: daily/{backup_in_copies}.sql.json is damaged: its SHA-256" in ended.err
    assert "hint: " in ended.err
    assert shop.everything() == before


def test_errors_are_json_where_json_is_asked_for(
    supakeep: Supakeep, shop: InMemoryDatabase, backup_in_copies: str
) -> None:
    ended = supakeep("restore", "backup_x_2020-01-01", "--from", "copies", "--json")

    assert ended.code == 1
    said = json.loads(ended.out)
    assert said["error"] == "No backup is named backup_x_2020-01-01"
    assert said["hint"].startswith("`supakeep list`")


def test_a_table_that_lost_its_rows_makes_exit_code_3_until_that_is_accepted(
    supakeep: Supakeep, shop: InMemoryDatabase, around: Surroundings
) -> None:
    clock = FixedClock()
    around.clock = clock
    before = supakeep("backup", "--to", "copies", "--json").json["name"]
    for number in range(1, 6):
        shop.delete(ITEMS, id=number)
    clock.advance(hours=1)

    lost = supakeep("backup", "--to", "copies")

    reason = f"{ITEMS} is empty, and had 5 rows in {before}"
    assert lost.code == 3
    assert reason in lost.out
    assert "--accept-shrink public.items" in lost.out
    for command in (["list"], ["show", lost.out.split()[0]]):
        told = supakeep(*command, "--from", "copies")
        assert "partial" in told.out
        assert reason in told.out
    assert supakeep("show", "latest", "--from", "copies", "--json").json["name"] == before

    clock.advance(hours=1)
    accepted = supakeep("backup", "--to", "copies", "--accept-shrink", "items", "--json")

    assert (accepted.code, accepted.json["status"]) == (0, "complete")
    assert "this was accepted" in accepted.json["warnings"][0]
