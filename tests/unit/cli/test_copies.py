"""Copies that supakeep.toml and COPIES name, as the command line uses them."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from tests.builders.manifests import place_backup
from tests.fakes.object_store import InMemoryObjectStore
from tests.fakes.time import NOON
from tests.unit.cli.conftest import Supakeep

OFFSITE = """
[[copy]]
name = "offsite"
url = "./offsite"
keep_within_days = 90
"""
UNSET = """
[[copy]]
name = "r2"
url = "s3://my-backups"
endpoint = "https://account.example.com"
access_key_id = "COPY_R2_KEY_ID"
secret_access_key = "COPY_R2_KEY"
"""


def days_before(days: int) -> dt.datetime:
    return NOON - dt.timedelta(days=days)


def add_to_policy(text: str) -> None:
    file = Path("supakeep.toml")
    file.write_text(file.read_text() + text)


@pytest.mark.usefixtures("shop", "primary")
def test_a_backup_goes_to_each_copy_and_is_read_back_by_its_name(supakeep: Supakeep) -> None:
    add_to_policy(OFFSITE)

    made = supakeep("backup", "--json").json
    listed = supakeep("list", "--from", "offsite", "--json").json
    verified = supakeep("verify", "latest")

    assert made["locations"] == ["primary", "offsite"]
    assert made["copies"] == [{"name": "offsite", "problem": None}]
    assert [backup["name"] for backup in listed["backups"]] == [made["name"]]
    assert verified.code == 0
    assert "whole in primary and offsite" in verified.out


@pytest.mark.usefixtures("shop", "primary")
def test_copies_can_be_a_variable_without_a_policy_file(
    supakeep: Supakeep, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("supakeep.toml").unlink()
    monkeypatch.setenv("COPIES", "one=./one, two=./two")

    assert supakeep("backup", "--json").json["locations"] == ["primary", "one", "two"]
    assert len(list(Path("two/daily").iterdir())) == 2


@pytest.mark.usefixtures("shop", "primary")
def test_a_copy_whose_credentials_are_missing_fails_alone_and_says_so(supakeep: Supakeep) -> None:
    add_to_policy(OFFSITE + UNSET)

    made = supakeep("backup")

    assert made.code == 3
    said = " ".join(f"{made.out} {made.err}".split())
    assert "The copy in r2 failed: COPY_R2_KEY_ID is not set, which the copy r2 needs" in said
    assert "in primary, offsite" in said


def test_a_prune_keeps_in_each_copy_what_its_own_rules_keep(
    supakeep: Supakeep, primary: InMemoryObjectStore
) -> None:
    add_to_policy(OFFSITE)
    for days in (0, 30, 60):
        name = place_backup(primary, at=days_before(days))
        for key in (name.document_key, name.manifest_key):
            file = Path("offsite", key)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(primary.objects[key])

    stores = supakeep("prune", "--json").json["stores"]

    removed = {s["store"]: sum(b["removed"] for b in s["backups"]) for s in stores}
    assert removed == {"primary": 2, "offsite": 0}


def test_a_folder_of_a_copys_name_is_meant_with_its_path(
    supakeep: Supakeep, primary: InMemoryObjectStore
) -> None:
    add_to_policy(OFFSITE.replace("./offsite", "./elsewhere"))
    Path("offsite/daily").mkdir(parents=True)

    by_name = supakeep("list", "--from", "offsite")
    by_path = supakeep("list", "--from", "./offsite")

    assert "There is no folder elsewhere" in by_name.err
    assert "No backups yet" in by_path.out
