"""`latest` never passes an older backup off as the newest one in silence."""

from __future__ import annotations

import pytest

from tests.builders.manifests import PROJECT
from tests.fakes.database import InMemoryDatabase
from tests.fakes.object_store import InMemoryObjectStore
from tests.unit.cli.conftest import Supakeep

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
    assert f"! daily/{name}.sql.json was read from mirror." in ended.out
