"""`supakeep audit`, and what other commands leave in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.builders.manifests import PROJECT
from tests.fakes.database import InMemoryDatabase
from tests.fakes.object_store import InMemoryObjectStore
from tests.unit.cli.conftest import Supakeep


def acts(supakeep: Supakeep) -> list[tuple[str, str]]:
    """What was done and how it ended, by name: all of it may have happened in one second."""
    ended = supakeep("audit", "--json")
    assert ended.code == 0, ended.err
    return sorted((entry["action"], entry["outcome"]) for entry in ended.json["entries"])


@pytest.fixture(autouse=True)
def _project(
    shop: InMemoryDatabase, primary: InMemoryObjectStore, mirror: InMemoryObjectStore
) -> None:
    """What there is to back up, and where to."""


@pytest.fixture(autouse=True)
def _user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "alice")


@pytest.fixture
def name(supakeep: Supakeep) -> str:
    made: str = supakeep("backup", "--json").json["name"]
    return made


def test_commands_leave_who_did_what(supakeep: Supakeep, name: str) -> None:
    supakeep("restore", name, "--confirm", PROJECT)
    supakeep("download", name, "--to", "./copies")
    supakeep("pin", name)
    supakeep("unpin", name)
    supakeep("prune")
    supakeep("delete", name, "--confirm", PROJECT)

    assert acts(supakeep) == [
        ("backup", "complete"),
        # the only good backup is never deleted, and whoever tried it is known
        ("delete", "failed"),
        ("delete", "started"),
        ("download", "complete"),
        ("pin", "complete"),
        ("prune", "complete"),
        ("restore", "complete"),
        ("restore", "started"),
        ("unpin", "complete"),
    ]
    listed = supakeep("audit")
    assert "alice@" in listed.out
    assert name in listed.out
    verified = supakeep("audit", "verify")
    assert verified.code == 0
    assert verified.out.startswith("The audit log is whole: 9 entries in primary")


def test_what_only_looks_and_what_is_elsewhere_leaves_nothing(
    supakeep: Supakeep, primary: InMemoryObjectStore, tmp_path: Path
) -> None:
    supakeep("backup", "--to", "./copies")
    supakeep("list")
    supakeep("prune", "--dry-run")
    supakeep("download", "latest", "--from", "./copies", "--to", "./more")

    assert [key for key in primary.objects if key.startswith("audit/")] == []
    assert not (tmp_path / "copies/audit").exists()
    assert "The audit log is empty" in supakeep("audit").out


def test_a_dropped_entry_makes_the_verification_fail(
    supakeep: Supakeep, name: str, primary: InMemoryObjectStore, mirror: InMemoryObjectStore
) -> None:
    first = next(key for key in primary.objects if key.startswith("audit/"))
    supakeep("download", name, "--to", "./copies")
    for store in (primary, mirror):
        store.delete(first)

    verified = supakeep("audit", "verify")

    assert verified.code == 1
    assert f"{first} is missing in every store" in verified.out


def test_last_belongs_to_the_list(supakeep: Supakeep) -> None:
    assert supakeep("audit", "verify", "--last", "5").code == 2
