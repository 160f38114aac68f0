"""What the commands say of stores that hold different backups under one name."""

from __future__ import annotations

import pytest

from supakeep.domain.backup_name import BackupName
from supakeep.usecases.stored_manifests import read_manifest
from tests.builders.backups import CUSTOMERS, emptied
from tests.builders.manifests import PROJECT
from tests.builders.planted import plant
from tests.fakes.database import InMemoryDatabase
from tests.fakes.object_store import InMemoryObjectStore
from tests.unit.cli.conftest import Supakeep, Surroundings

Copies = tuple[InMemoryObjectStore, InMemoryObjectStore]


@pytest.fixture
def stores(primary: InMemoryObjectStore, mirror: InMemoryObjectStore) -> Copies:
    return primary, mirror


@pytest.fixture
def name(supakeep: Supakeep, stores: Copies, shop: InMemoryDatabase) -> str:
    """The shop's backup; the mirror has one of empty tables in its place."""
    primary, mirror = stores
    made: str = supakeep("backup", "--json").json["name"]
    plant(mirror, emptied(shop), read_manifest(primary, BackupName.parse(made)))
    return made


@pytest.mark.parametrize("asked_as", ["latest", "its name"])
@pytest.mark.parametrize(
    "command",
    ["show", "verify", "diff", "copy", "download --to elsewhere", f"restore --confirm {PROJECT}"],
)
def test_each_command_refuses_it_by_name_and_changes_nothing(
    supakeep: Supakeep,
    stores: Copies,
    shop: InMemoryDatabase,
    name: str,
    command: str,
    asked_as: str,
) -> None:
    shop.delete(CUSTOMERS, id=1)
    before = ([store.of_backups for store in stores], shop.everything())
    verb, *options = command.split()

    ended = supakeep(verb, "latest" if asked_as == "latest" else name, *options)

    assert ended.code == 1
    assert f"primary and mirror hold different backups named {name} (" in ended.err
    assert f"`supakeep show {name} --from mirror`" in ended.err
    assert ([store.of_backups for store in stores], shop.everything()) == before


def test_a_copy_of_everything_goes_on_with_the_others(
    supakeep: Supakeep, stores: Copies, name: str
) -> None:
    before = [store.of_backups for store in stores]

    ended = supakeep("copy", "--all")

    assert ended.code == 1
    assert "hold different backups named" in ended.out
    assert [store.of_backups for store in stores] == before


def test_the_list_names_it_and_ends_with_3(supakeep: Supakeep, name: str) -> None:
    ended, listed = supakeep("list"), supakeep("list", "--json")

    assert (ended.code, listed.code) == (3, 3)
    assert f"primary and mirror hold different backups named {name} (" in ended.out
    assert listed.json["untrusted"][name]["state"] == "differing"
    assert listed.json["backups"] == []


def test_the_check_fails(supakeep: Supakeep, name: str, around: Surroundings) -> None:
    around.adapters["server_time"] = around.clock.now

    checks = {check["name"]: check for check in supakeep("check", "--json").json["checks"]}

    assert checks["copies differ"]["status"] == "FAIL"
    assert f"named {name} (" in checks["copies differ"]["message"]
    assert checks["newest backup"]["status"] == "FAIL"


def test_a_prune_says_so_and_ends_with_3(supakeep: Supakeep, stores: Copies, name: str) -> None:
    before = [store.of_backups for store in stores]

    ended = supakeep("prune")

    assert ended.code == 3
    assert f"! primary and mirror hold different backups named {name} (" in ended.out
    assert [store.of_backups for store in stores] == before


@pytest.mark.parametrize("store", ["primary", "mirror"])
def test_a_prune_of_one_store_compares_it_with_the_others(
    supakeep: Supakeep, name: str, store: str
) -> None:
    ended = supakeep("prune", "--from", store)

    assert ended.code == 3
    assert f"! primary and mirror hold different backups named {name} (" in " ".join(
        ended.out.replace("mirror and primary", "primary and mirror").split()
    )
    assert "stores hold different backups of this name" in ended.out


def test_a_restore_from_a_store_that_was_named_takes_its_backup_and_says_so(
    supakeep: Supakeep, shop: InMemoryDatabase, name: str
) -> None:
    shop.delete(CUSTOMERS, id=1)

    ended = supakeep(
        "restore", name, "--from", "primary", "--confirm", PROJECT, "--table", "customers"
    )

    assert ended.code == 0
    assert len(shop.rows(CUSTOMERS)) == 5
    assert (
        "! The backup in primary was taken, as asked. A different one of this name is in mirror: 0 rows"
        in (ended.out)
    )


@pytest.mark.parametrize("store", ["primary", "mirror"])
@pytest.mark.parametrize("verb", ["show", "verify"])
def test_each_can_be_looked_at_by_its_store(
    supakeep: Supakeep, name: str, verb: str, store: str
) -> None:
    ended = supakeep(verb, name, "--from", store)

    assert ended.code == 0
    assert ("15 rows" if store == "primary" else "0 rows") in ended.out
