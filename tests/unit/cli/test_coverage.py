"""`supakeep coverage`."""

from __future__ import annotations

import pytest

from supakeep.domain.project_object import ObjectKind, ProjectObject
from tests.fakes.database import InMemoryDatabase
from tests.fakes.object_store import InMemoryObjectStore
from tests.unit.cli.conftest import Supakeep


@pytest.fixture(autouse=True)
def _project(primary: InMemoryObjectStore, mirror: InMemoryObjectStore) -> None:
    """Where there is to back up to."""


def test_coverage_counts_by_kind_and_names_what_is_not_backed_up(
    supakeep: Supakeep, shop: InMemoryDatabase
) -> None:
    supakeep("backup")

    ended = supakeep("coverage")

    assert ended.code == 0
    assert "KIND" in ended.out
    assert "definitions all: not supported: the Data API does not show them" in ended.out
    assert supakeep("coverage", "latest", "--json").json["appeared"] == []


def test_coverage_ends_with_3_when_something_new_is_not_in_the_backup(
    supakeep: Supakeep, shop: InMemoryDatabase
) -> None:
    first = supakeep("backup", "--json").json["name"]
    shop.objects = [ProjectObject(ObjectKind.VAULT_SECRET, "stripe")]
    supakeep("backup")

    ended = supakeep("coverage")

    assert ended.code == 3
    assert f"Not in the backup, and not so in {first}: vault secret stripe" in ended.out
    assert supakeep("coverage", first).code == 0


def test_the_list_says_in_a_word_what_the_newest_backup_lacks(
    supakeep: Supakeep, shop: InMemoryDatabase
) -> None:
    supakeep("backup")
    shop.objects = [
        *(ProjectObject(ObjectKind.VAULT_SECRET, name) for name in ("stripe", "smtp")),
        ProjectObject(ObjectKind.CRON_JOB, "nightly"),
    ]
    newest = supakeep("backup", "--json").json["name"]

    listed = supakeep("list").out

    lacks = "buckets, 1 cron job, definitions, users, 2 vault secrets"
    assert f"Not in {newest}: {lacks} (supakeep coverage {newest})\n" in listed
    assert listed.count("Not in ") == 1
