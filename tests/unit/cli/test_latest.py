"""`latest` never passes an older backup off as the newest one in silence."""

from __future__ import annotations

import datetime as dt

import pytest

from tests.builders.manifests import PROJECT, place_backup
from tests.fakes.database import InMemoryDatabase
from tests.fakes.object_store import InMemoryObjectStore
from tests.unit.cli.conftest import Supakeep, Surroundings

DAMAGED = f"backup_{PROJECT}_2099-01-01"


@pytest.mark.parametrize(
    "command", [("show", "latest"), ("verify", "latest"), ("restore", "latest", "--dry-run")]
)
def test_a_newer_damaged_backup_is_named_and_the_exit_code_is_3(
    supakeep: Supakeep,
    primary: InMemoryObjectStore,
    shop: InMemoryDatabase,
    command: tuple[str, ...],
) -> None:
    good = supakeep("backup", "--json").json["name"]
    primary.place(f"daily/{DAMAGED}.manifest.json", b"{")

    ended = supakeep(*command)

    assert ended.code == 3
    assert good in ended.out
    [line] = [line for line in ended.out.splitlines() if DAMAGED in line]
    assert "was passed over, and may be newer" in line


def test_a_copy_that_another_one_replaces_makes_a_verification_partial(
    supakeep: Supakeep,
    primary: InMemoryObjectStore,
    mirror: InMemoryObjectStore,
    shop: InMemoryDatabase,
) -> None:
    name = supakeep("backup", "--json").json["name"]
    primary.place(f"daily/{name}.sql.json", b"rotten")

    ended = supakeep("verify", name)

    assert ended.code == 3
    assert "; whole in mirror\n" in ended.out
    assert f"! primary: daily/{name}.sql.json is damaged: it has 6 bytes instead of " in ended.out


@pytest.mark.parametrize("asked_as", ["latest", "its name"])
@pytest.mark.parametrize("command", [("show",), ("verify",), ("restore", "--dry-run")])
@pytest.mark.parametrize("damaged", ["manifest.json", "sql.json"])
@pytest.mark.usefixtures("mirror", "shop")
def test_damage_to_the_primarys_copy_is_reported_however_the_backup_is_asked_for(
    supakeep: Supakeep,
    primary: InMemoryObjectStore,
    command: tuple[str, ...],
    asked_as: str,
    damaged: str,
) -> None:
    name = supakeep("backup", "--json").json["name"]
    key = f"daily/{name}.{damaged}"
    primary.place(key, b"rotten")

    ended = supakeep(command[0], "latest" if asked_as == "latest" else name, *command[1:])

    # a restore that found every row elsewhere is whole
    assert ended.code == (0 if command[0] == "restore" else 3)
    told = [line for line in ended.out.splitlines() if line.startswith("! ")]
    assert any("primary: " in line and key in line for line in told)


@pytest.mark.parametrize("gone", ["everything", "manifest", "volume"])
@pytest.mark.parametrize("asked_as", ["latest", "its name"])
def test_a_verification_says_which_copy_is_good_where_the_other_is_gone(
    supakeep: Supakeep,
    primary: InMemoryObjectStore,
    mirror: InMemoryObjectStore,
    shop: InMemoryDatabase,
    gone: str,
    asked_as: str,
) -> None:
    name = supakeep("backup", "--json").json["name"]
    for key in list(primary.objects):
        if gone == "everything" or ("manifest" in key) == (gone == "manifest"):
            primary.delete(key)

    ended = supakeep("verify", "latest" if asked_as == "latest" else name)

    assert ended.code == 3
    assert "; whole in mirror\n" in ended.out
    assert "! primary: " in ended.out


def test_a_verification_of_one_copy_leaves_the_other_out(
    supakeep: Supakeep,
    primary: InMemoryObjectStore,
    mirror: InMemoryObjectStore,
    shop: InMemoryDatabase,
) -> None:
    name = supakeep("backup", "--json").json["name"]
    primary.delete(f"daily/{name}.sql.json")

    assert supakeep("verify", name, "--from", "mirror").code == 0
    assert supakeep("verify", name, "--from", "primary").code == 1


def test_one_that_is_dated_in_the_future_hides_no_problem_of_the_newest(
    supakeep: Supakeep,
    around: Surroundings,
    primary: InMemoryObjectStore,
    shop: InMemoryDatabase,
) -> None:
    around.adapters["server_time"] = around.clock.now
    now = around.clock.now()
    place_backup(primary, at=now - dt.timedelta(hours=1), good=False)
    future = place_backup(primary, at=now + dt.timedelta(days=300))

    listed = supakeep("list")
    checks = {check["name"]: check for check in supakeep("check", "--json").json["checks"]}

    assert "! The export failed" in listed.out
    assert checks["future"]["status"] == "WARN"
    assert future.text in checks["future"]["message"]
    assert checks["newest backup"]["message"] == "There is no good backup"
    assert checks["schedule"]["message"].endswith(
        f"is of {now - dt.timedelta(hours=1):%Y-%m-%d %H:%M} UTC"
    )
