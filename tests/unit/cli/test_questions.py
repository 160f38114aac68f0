from __future__ import annotations

import datetime as dt
import logging
import os
from pathlib import Path

import pytest

from supakeep.archive.manifest import encode_manifest
from supakeep.domain.engine import POSTGRES
from tests.builders.backups import CUSTOMERS, ITEMS, ORDERS, Nights, a_shop
from tests.builders.definitions import a_dump
from tests.builders.manifests import PROJECT, a_manifest, place_backup
from tests.builders.tables import a_table
from tests.fakes.database import InMemoryDatabase
from tests.fakes.object_store import InMemoryObjectStore
from tests.fakes.time import NOON
from tests.unit.cli.conftest import SECRET_KEY, Supakeep


def without_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a machine where the project is gone and its keys with it."""
    monkeypatch.delenv("NEXT_PUBLIC_SUPABASE_URL")
    monkeypatch.delenv("SUPABASE_SERVICE_ROLE_KEY")


def place_in_folder(folder: Path, *, at: dt.datetime, project: str = PROJECT) -> str:
    manifest = a_manifest(at=at, project=project)
    (folder / "daily").mkdir(parents=True, exist_ok=True)
    (folder / manifest.name.manifest_key).write_bytes(encode_manifest(manifest))
    (folder / manifest.name.document_key).write_bytes(b"a document")
    return manifest.backup


def days_ago(days: int) -> dt.datetime:
    return (dt.datetime.now(dt.UTC) - dt.timedelta(days=days)).replace(microsecond=0)


def test_backups_in_a_folder_are_listed_newest_first_without_any_settings(
    supakeep: Supakeep, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [place_in_folder(Path("copies"), at=days_ago(days)) for days in (1, 2, 3)]
    other = place_in_folder(Path("copies"), at=days_ago(4), project="other")
    without_settings(monkeypatch)

    plain = supakeep("list", "--from", "copies")
    as_json = supakeep("list", "--from", "copies", "--json")

    assert (plain.code, as_json.code) == (0, 0)
    assert [line.split()[0] for line in plain.out.splitlines()] == ["NAME", *names, other]
    assert [backup["name"] for backup in as_json.json["backups"]] == [*names, other]


def test_backups_in_storage_and_mirror_are_listed_once(
    supakeep: Supakeep, primary: InMemoryObjectStore, mirror: InMemoryObjectStore
) -> None:
    name = place_backup(primary)
    place_backup(mirror)

    ended = supakeep("list")

    assert ended.code == 0
    [line] = [line for line in ended.out.splitlines() if name.text in line]
    assert line.endswith("complete  schedule  primary, mirror")


@pytest.mark.parametrize("source", ["primary", "mirror"])
def test_only_one_store_is_listed_where_it_is_named(
    supakeep: Supakeep,
    primary: InMemoryObjectStore,
    mirror: InMemoryObjectStore,
    source: str,
) -> None:
    place_backup(primary)
    place_backup(mirror)

    [backup] = supakeep("list", "--from", source, "--json").json["backups"]

    assert backup["locations"] == [source]


def test_an_empty_store_says_what_to_do(supakeep: Supakeep, primary: InMemoryObjectStore) -> None:
    ended = supakeep("list")

    assert (ended.code, ended.err) == (0, "")
    assert ended.out == "No backups yet. `supakeep backup` creates one.\n"


def test_a_store_that_cannot_be_listed_is_reported_and_exit_code_3(
    supakeep: Supakeep, primary: InMemoryObjectStore, mirror: InMemoryObjectStore
) -> None:
    place_backup(mirror)
    primary.has_bucket = False

    ended = supakeep("list")

    assert ended.code == 3
    assert "! primary could not be listed: Storage bucket not found" in ended.out


def test_a_damaged_manifest_is_listed_as_such(
    supakeep: Supakeep, primary: InMemoryObjectStore
) -> None:
    name = place_backup(primary)
    primary.place(name.manifest_key, b"{}")

    ended = supakeep("list")

    assert f"! {name} (damaged): The manifest {name.manifest_key} cannot be trusted" in ended.out


def test_a_folder_that_does_not_exist_is_reported(supakeep: Supakeep) -> None:
    ended = supakeep("list", "--from", "nowhere")

    assert ended.code == 1
    assert "error: There is no folder nowhere\nhint: Correct the path" in ended.err


def test_the_mirror_cannot_be_asked_where_there_is_none(supakeep: Supakeep) -> None:
    ended = supakeep("list", "--from", "mirror")

    assert ended.code == 1
    assert "error: No mirror is configured" in ended.err
    assert "MIRROR_S3_BUCKET" in ended.err


def test_one_backup_is_shown_with_its_tables(
    supakeep: Supakeep, backup_in_copies: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_settings(monkeypatch)

    ended = supakeep("show", backup_in_copies, "--from", "copies")

    assert ended.code == 0
    assert ended.out.startswith(f"{backup_in_copies}  complete\n15 rows, ")
    for table in (CUSTOMERS, ORDERS, ITEMS):
        assert table in ended.out


@pytest.mark.parametrize("command", ["show", "verify"])
def test_the_latest_backup_of_a_folder_is_found_without_any_settings(
    supakeep: Supakeep, backup_in_copies: str, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    without_settings(monkeypatch)

    ended = supakeep(command, "latest", "--from", "copies")

    assert ended.code == 0
    assert ended.out.startswith(backup_in_copies)


def test_a_backup_is_shown_with_every_store_that_holds_it(
    supakeep: Supakeep, primary: InMemoryObjectStore, mirror: InMemoryObjectStore
) -> None:
    name = place_backup(primary)
    place_backup(mirror)

    assert supakeep("show", name.text, "--json").json["locations"] == ["primary", "mirror"]


def test_what_changed_since_the_backup_before_is_shown(
    supakeep: Supakeep, primary: InMemoryObjectStore
) -> None:
    nights = Nights(primary)
    nights.back_up(a_shop())
    with_more = a_shop()
    with_more.add_table(a_table("coupons"))
    nights.back_up(with_more)
    nights.back_up(a_shop())

    ended = supakeep("show", "latest")
    changes = supakeep("show", "latest", "--json").json["changes"]

    assert [change["kind"] for change in changes] == ["table gone"]
    assert "! public.coupons is gone; backup_" in ended.out


def test_a_policy_that_is_gone_since_the_backup_before_is_listed_and_shown(
    supakeep: Supakeep, primary: InMemoryObjectStore
) -> None:
    nights, shop = Nights(primary), a_shop(InMemoryDatabase(engine=POSTGRES))
    shop.definitions_sql = a_dump(("POLICY", "orders own rows", "CREATE POLICY ...;"))
    before = nights.back_up(shop)
    shop.definitions_sql = a_dump(("VIEW", "totals", "CREATE VIEW ...;"))
    after = nights.back_up(shop)

    shown = supakeep("show", "latest").out

    assert f"! The policy public.orders own rows is gone; {before.backup} has it" in shown
    assert f"supakeep schema diff {before.backup} {after.backup}" in shown
    assert "\nThe view public.totals is new since" in shown
    listed = supakeep("list").out
    assert f"  1 change of the schema to look at: supakeep show {after.backup}\n" in listed
    assert listed.count("to look at") == 1


@pytest.mark.parametrize("command", ["show", "verify", "restore"])
@pytest.mark.parametrize("name", ["../../etc/passwd", "backup_x_2026-02-30", "yesterday"])
def test_a_malformed_name_is_refused(
    supakeep: Supakeep, shop: InMemoryDatabase, backup_in_copies: str, command: str, name: str
) -> None:
    ended = supakeep(command, name, "--from", "copies")

    assert ended.code == 1
    assert "is not the name of a backup" in ended.err
    assert "hint: Names look like" in ended.err


def test_a_good_backup_is_verified(
    supakeep: Supakeep, backup_in_copies: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_settings(monkeypatch)

    ended = supakeep("verify", backup_in_copies, "--from", "copies")

    assert ended.code == 0
    assert ended.out.startswith(f"{backup_in_copies} is good: 1 object, ")
    assert "15 rows in 3 tables" in ended.out


def test_a_damaged_backup_is_not(supakeep: Supakeep, backup_in_copies: str) -> None:
    document = Path(f"copies/daily/{backup_in_copies}.sql.json")
    document.write_bytes(document.read_bytes()[:-1])

    ended = supakeep("verify", backup_in_copies, "--from", "copies", "--json")

    assert ended.code == 1
    assert "is damaged: it has" in ended.json["error"]
    assert "error: " in ended.err


def test_a_manifest_of_a_newer_format_is_refused(supakeep: Supakeep, backup_in_copies: str) -> None:
    path = Path(f"copies/daily/{backup_in_copies}.manifest.json")
    path.write_text('{"format": "supakeep/2"}')

    ended = supakeep("verify", backup_in_copies, "--from", "copies")

    assert ended.code == 1
    assert "has format supakeep/2, and this version of Supakeep reads up to supakeep/1" in ended.err


def test_old_backups_are_pruned_from_a_folder(supakeep: Supakeep) -> None:
    folder = Path("copies")
    for days in (0, 6, 8, 9):
        place_in_folder(folder, at=days_ago(days))

    dry = supakeep("prune", "--from", "copies", "--dry-run")
    left = len(list((folder / "daily").iterdir()))
    real = supakeep("prune", "--from", "copies", "--json")

    assert (dry.code, left) == (0, 8)
    assert dry.out.count("would be removed") == 2
    assert real.code == 0
    assert [b["removed"] for b in real.json["stores"][0]["backups"]] == [False, False, True, True]
    assert len(list((folder / "daily").iterdir())) == 4


def test_a_store_that_cannot_be_pruned_is_reported_and_exit_code_3(
    supakeep: Supakeep, primary: InMemoryObjectStore
) -> None:
    primary.has_bucket = False

    ended = supakeep("prune")

    assert ended.code == 3
    assert ended.out.startswith("! primary: Storage bucket not found (Run what `supakeep")


def test_a_prune_prints_each_decision_once_with_the_stores_that_share_it(
    supakeep: Supakeep, primary: InMemoryObjectStore, mirror: InMemoryObjectStore
) -> None:
    both, alone = (a_manifest(at=NOON - dt.timedelta(days=days)) for days in (0, 1))
    for store, manifest in ((primary, both), (mirror, both), (primary, alone)):
        store.place(manifest.name.manifest_key, encode_manifest(manifest))
        store.place(manifest.name.document_key, b"a document")

    head, *decisions = supakeep("prune", "--dry-run").out.splitlines()

    assert head.split() == ["BACKUP", "DECISION", "SIZE", "WHY", "IN"]
    assert [(line.split()[0], line.rpartition("  ")[2]) for line in decisions] == [
        (both.backup, "primary, mirror"),
        (alone.backup, "primary"),
    ]


@pytest.mark.usefixtures("primary")
def test_a_prune_without_anything_to_decide_says_so(supakeep: Supakeep) -> None:
    assert supakeep("prune").out == "There are no backups to prune.\n"


@pytest.mark.parametrize("days", ["0", "-1"])
def test_a_retention_of_nothing_removes_nothing(supakeep: Supakeep, days: str) -> None:
    place_in_folder(Path("copies"), at=days_ago(0))
    place_in_folder(Path("copies"), at=days_ago(30))
    Path("supakeep.toml").write_text(
        f'[backup]\ntables = "*"\n[retention]\nkeep_within_days = {days}\n'
    )

    ended = supakeep("prune", "--from", "copies")

    assert ended.code == 1
    assert "retention.keep_within_days: Input should be greater than 0" in ended.err
    assert len(list(Path("copies/daily").iterdir())) == 4


@pytest.mark.parametrize("arguments", [[], ["destroy"], ["show"], ["restore"], ["list", "--fro"]])
def test_wrong_usage_is_exit_code_2(supakeep: Supakeep, arguments: list[str]) -> None:
    assert supakeep(*arguments).code == 2


def test_a_url_that_is_not_a_supabase_url_is_reported_in_the_words_of_the_guide(
    supakeep: Supakeep, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEXT_PUBLIC_SUPABASE_URL", "https://db.example.com")

    ended = supakeep("list")

    assert ended.code == 1
    assert ended.err.startswith(
        "error: Could not extract project ref from Supabase URL\n"
        "hint: NEXT_PUBLIC_SUPABASE_URL must look like https://<project-ref>.supabase.co"
    )


@pytest.mark.parametrize("missing", ["NEXT_PUBLIC_SUPABASE_URL", "SUPABASE_SERVICE_ROLE_KEY"])
def test_a_setting_that_is_missing_is_named(
    supakeep: Supakeep, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    monkeypatch.delenv(missing)

    ended = supakeep("list")

    assert (ended.code, ended.out) == (1, "")
    assert f"error: {missing} is not set\nhint: " in ended.err


def test_secrets_are_never_printed(
    supakeep: Supakeep, shop: InMemoryDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    for arguments in (
        ["backup", "--to", "copies", "--verbose"],
        ["list", "--from", "copies", "--json", "--verbose"],
        ["restore", "latest", "--from", "copies", "--verbose"],
        ["show", "nothing", "--verbose"],
    ):
        ended = supakeep(*arguments)
        assert SECRET_KEY not in ended.out + ended.err
    assert os.environ["SUPABASE_SERVICE_ROLE_KEY"] == SECRET_KEY


def test_details_are_only_those_of_supakeep(supakeep: Supakeep, shop: InMemoryDatabase) -> None:
    """At DEBUG, boto3 logs whole answers, that of Secrets Manager among them."""
    supakeep("backup", "--to", "copies", "--verbose")

    assert logging.getLogger("supakeep.usecases").isEnabledFor(logging.DEBUG)
    for library in ("botocore.parsers", "botocore.auth", "httpx", "hpack"):
        assert not logging.getLogger(library).isEnabledFor(logging.DEBUG)


def test_a_prune_after_a_partial_backup_removes_nothing_and_says_why(
    supakeep: Supakeep, primary: InMemoryObjectStore
) -> None:
    for days in range(9):
        place_backup(primary, at=NOON - dt.timedelta(days=days), good=days > 0)
    before = primary.of_backups

    ended = supakeep("prune")

    assert (ended.code, primary.of_backups) == (3, before)
    assert "Nothing is removed until a complete backup is made" in ended.out
    assert "The export failed" in ended.out
