from __future__ import annotations

import json
from pathlib import Path

import pytest

from supakeep.archive.manifest import encode_manifest, parse_manifest
from tests.builders.backups import ITEMS
from tests.builders.manifests import PROJECT
from tests.builders.signing import FORMER_KEY, SIGNING_KEY, STRANGERS, STRANGERS_KEY
from tests.fakes.database import InMemoryDatabase
from tests.fakes.object_store import InMemoryObjectStore
from tests.unit.cli.conftest import Supakeep, Surroundings


@pytest.fixture
def unsigned(shop: InMemoryDatabase, primary: InMemoryObjectStore, supakeep: Supakeep) -> str:
    """The name of a backup that was made before there was a key."""
    return str(supakeep("backup", "--json").json["name"])


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGNING_KEY", SIGNING_KEY)


def forge(store: InMemoryObjectStore, name: str) -> None:
    """Signs the backup with a key that somebody else has made up."""
    where = f"daily/{name}.manifest.json"
    manifest = parse_manifest(store.objects[where], where)
    store.place(where, encode_manifest(manifest, STRANGERS))


def test_a_backup_is_signed_and_restored_where_there_is_a_key(
    supakeep: Supakeep, shop: InMemoryDatabase, primary: InMemoryObjectStore, key: None
) -> None:
    name = supakeep("backup", "--json").json["name"]
    before = shop.everything()
    shop.delete(ITEMS, id=1)

    ended = supakeep("restore", "latest", "--confirm", PROJECT)

    assert ended.code == 0
    assert shop.everything() == before
    manifest = json.loads(primary.objects[f"daily/{name}.manifest.json"])
    assert manifest["signature"]["algorithm"] == "HMAC-SHA256"


def test_an_unsigned_backup_is_not_the_latest_and_is_listed_with_the_reason(
    supakeep: Supakeep, unsigned: str, key: None
) -> None:
    assert supakeep("show", "latest").code == 1
    listed = supakeep("list")
    assert f"! {unsigned} (unsigned): The manifest " in listed.out
    assert "is unsigned, and only signed backups are accepted" in listed.out
    assert supakeep("list", "--json").json["untrusted"][unsigned]["label"] == "unsigned"


@pytest.mark.parametrize(
    "reason",
    [("unsigned", "unsigned"), ("forged", "signature does not verify")],
    ids=["unsigned", "forged"],
)
def test_who_did_not_sign_is_said_by_list_and_check_and_never_called_damage(
    supakeep: Supakeep,
    around: Surroundings,
    primary: InMemoryObjectStore,
    unsigned: str,
    key: None,
    reason: tuple[str, str],
) -> None:
    around.adapters["server_time"] = around.clock.now
    state, label = reason
    if state == "forged":
        forge(primary, unsigned)

    listed, shown = supakeep("list", "--json").json["untrusted"], supakeep("show", unsigned)
    checks = {check["name"]: check for check in supakeep("check", "--json").json["checks"]}

    assert (listed[unsigned]["state"], listed[unsigned]["label"]) == (state, label)
    assert checks[label]["status"] == "WARN"
    assert unsigned in checks[label]["message"]
    assert shown.code == 1
    assert "damage" not in shown.err
    assert "damaged" not in checks


def test_an_unsigned_backup_is_restored_only_by_name_and_if_it_is_allowed(
    supakeep: Supakeep, shop: InMemoryDatabase, unsigned: str, key: None
) -> None:
    before = shop.everything()
    shop.delete(ITEMS, id=1)

    refused = supakeep("restore", unsigned, "--confirm", PROJECT)
    assert refused.code == 1
    assert "is unsigned" in refused.err
    assert "--allow-unsigned" in refused.err
    latest = supakeep("restore", "latest", "--confirm", PROJECT, "--allow-unsigned")
    assert latest.code == 1
    assert "never the latest" in latest.err
    assert shop.everything() != before

    allowed = supakeep("restore", unsigned, "--confirm", PROJECT, "--allow-unsigned")
    assert allowed.code == 0
    assert f"{unsigned} is unsigned: nothing shows who wrote it" in allowed.out
    assert shop.everything() == before


@pytest.mark.parametrize("option", [(), ("--allow-unsigned",)])
def test_a_forged_backup_is_not_restored_whatever_is_allowed(
    supakeep: Supakeep,
    primary: InMemoryObjectStore,
    shop: InMemoryDatabase,
    unsigned: str,
    key: None,
    option: tuple[str, ...],
) -> None:
    forge(primary, unsigned)
    shop.delete(ITEMS, id=1)
    before = shop.everything()

    refused = supakeep("restore", unsigned, "--confirm", PROJECT, *option)

    assert refused.code == 1
    assert "SIGNING_KEYS_OLD" in refused.err
    assert shop.everything() == before


def test_a_place_without_a_project_is_held_to_the_same_key(
    supakeep: Supakeep, shop: InMemoryDatabase, backup_in_copies: str, key: None
) -> None:
    refused = supakeep("verify", backup_in_copies, "--from", "copies")

    assert refused.code == 1
    assert "is unsigned" in refused.err
    signed = supakeep("backup", "--to", "copies", "--json").json["name"]
    assert supakeep("verify", signed, "--from", "copies").code == 0


def test_a_key_is_replaced_without_losing_the_backups_of_the_former_one(
    supakeep: Supakeep,
    primary: InMemoryObjectStore,
    shop: InMemoryDatabase,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SIGNING_KEY", FORMER_KEY)
    name = supakeep("backup", "--json").json["name"]

    monkeypatch.setenv("SIGNING_KEY", SIGNING_KEY)
    assert supakeep("verify", name).code == 1
    monkeypatch.setenv("SIGNING_KEYS_OLD", f"{STRANGERS_KEY}, {FORMER_KEY}")
    assert supakeep("verify", name).code == 0


def test_without_a_key_all_works_as_before_also_with_a_signed_backup(
    supakeep: Supakeep,
    primary: InMemoryObjectStore,
    shop: InMemoryDatabase,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SIGNING_KEY", SIGNING_KEY)
    supakeep("backup")
    monkeypatch.delenv("SIGNING_KEY")

    assert supakeep("verify", "latest").code == 0
    assert supakeep("restore", "latest", "--dry-run").code == 0


@pytest.mark.parametrize(
    "variables",
    [
        {"SIGNING_KEY": "short"},
        {"SIGNING_KEYS_OLD": FORMER_KEY},
        {"SIGNING_KEY": SIGNING_KEY, "SIGNING_KEYS_OLD": f"{FORMER_KEY},short"},
    ],
    ids=["too short", "only former ones", "a former one too short"],
)
def test_a_key_that_protects_nothing_is_an_error(
    supakeep: Supakeep,
    primary: InMemoryObjectStore,
    shop: InMemoryDatabase,
    monkeypatch: pytest.MonkeyPatch,
    variables: dict[str, str],
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    ended = supakeep("backup")

    assert ended.code == 1
    assert "SIGNING_KEY" in ended.err
    assert primary.objects == {}
    assert "SIGNING_KEY" in supakeep("config", "check").out


def test_a_download_keeps_the_signature(
    supakeep: Supakeep, primary: InMemoryObjectStore, shop: InMemoryDatabase, key: None
) -> None:
    name = supakeep("backup", "--json").json["name"]

    assert supakeep("download", name, "--to", "here").code == 0

    assert (
        Path(f"here/daily/{name}.manifest.json").read_bytes()
        == primary.objects[f"daily/{name}.manifest.json"]
    )
    assert supakeep("verify", name, "--from", "here").code == 0
