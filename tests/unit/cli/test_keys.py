"""`supakeep keys add`, `list` and `revoke`."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from supakeep.domain.api_key import Scope, hash_of
from supakeep.runs.in_memory_keys import InMemoryApiKeyStore
from tests.builders.api_keys import an_api_key
from tests.fakes.object_store import InMemoryObjectStore
from tests.fakes.time import NOON, FixedClock
from tests.unit.cli.conftest import Supakeep, Surroundings

OWN = "0123456789abcdef0123456789abcdef"


@pytest.fixture(autouse=True)
def _stores(primary: InMemoryObjectStore, mirror: InMemoryObjectStore) -> None:
    """Where changes are recorded."""


@pytest.fixture
def store(around: Surroundings, monkeypatch: pytest.MonkeyPatch) -> InMemoryApiKeyStore:
    store = InMemoryApiKeyStore()
    around.clock = FixedClock()
    around.adapters["api_keys"] = store
    monkeypatch.setenv("RUNS_TABLE", "supakeep-runs")
    return store


def test_a_key_is_printed_alone_on_standard_output(
    supakeep: Supakeep, store: InMemoryApiKeyStore
) -> None:
    ended = supakeep("keys", "add", "ci", "--scope", "backup", "--scope", "view")

    [key] = store.list_all()
    assert ended.code == 0
    assert hash_of(ended.out.strip()) == key.sha256
    assert ended.out.count("\n") == 1
    assert "good for view, backup, until 2027-11-22 12:00 UTC" in ended.err
    assert "not shown again" in ended.err


def test_the_last_day_of_a_key_is_its_own(supakeep: Supakeep, store: InMemoryApiKeyStore) -> None:
    supakeep("keys", "add", "ci", "--scope", "view", "--until", "2026-11-22")

    [key] = store.list_all()
    assert key.expires_at == dt.datetime(2026, 11, 23, tzinfo=dt.UTC)


def test_a_key_of_ones_own_comes_from_a_file_and_is_not_printed(
    supakeep: Supakeep, store: InMemoryApiKeyStore, tmp_path: Path
) -> None:
    (tmp_path / "key.txt").write_text(f"{OWN}\n")

    ended = supakeep("keys", "add", "ci", "--scope", "restore", "--key", "key.txt")

    [key] = store.list_all()
    assert (ended.code, ended.out) == (0, "")
    assert (key.sha256, key.scopes) == (hash_of(OWN), (Scope.RESTORE,))
    assert OWN not in ended.err


def test_a_key_that_is_short_or_there_already_is_refused(
    supakeep: Supakeep, store: InMemoryApiKeyStore, tmp_path: Path
) -> None:
    (tmp_path / "short.txt").write_text("hunter2")
    (tmp_path / "key.txt").write_text(OWN)
    supakeep("keys", "add", "one", "--scope", "view", "--key", "key.txt")

    short = supakeep("keys", "add", "two", "--scope", "view", "--key", "short.txt")
    same = supakeep("keys", "add", "two", "--scope", "view", "--key", "key.txt")
    missing = supakeep("keys", "add", "two", "--scope", "view", "--key", "nowhere.txt")

    assert [short.code, same.code, missing.code] == [1, 1, 1]
    assert "The key has 7 characters; 32 are the least" in short.err
    assert "hunter2" not in short.err
    assert "The key is the same as that of one" in same.err
    assert "nowhere.txt cannot be read" in missing.err
    assert [key.name for key in store.list_all()] == ["one"]


def test_the_list_says_what_each_key_is_good_for_and_shows_none(
    supakeep: Supakeep, store: InMemoryApiKeyStore
) -> None:
    assert "No keys besides ADMIN_KEY and CRON_SECRET" in supakeep("keys", "list").out
    made = supakeep("keys", "add", "ci", "--scope", "view", "--json").json
    revoked = supakeep("keys", "revoke", "ci")

    listed = supakeep("keys", "list")
    as_json = supakeep("keys", "list", "--json")
    audit = supakeep("audit", "--json")

    assert revoked.out == "The key ci is revoked. It opens nothing in a minute.\n"
    assert listed.out.splitlines()[1].split()[:3] == ["ci", "revoked", "view"]
    [key] = as_json.json["keys"]
    assert (key["state"], key["sha256_begins"]) == ("revoked", hash_of(made["key"])[:8])
    assert made["key"] not in listed.out + as_json.out
    assert hash_of(made["key"]) not in as_json.out
    acts = {(entry["action"], entry["target"]) for entry in audit.json["entries"]}
    assert acts == {("key-added", "ci"), ("key-revoked", "ci")}
    assert made["key"] not in audit.out


def test_the_list_says_which_valid_keys_end_within_thirty_days(
    supakeep: Supakeep, store: InMemoryApiKeyStore
) -> None:
    store.add(an_api_key("ending", expires_at=NOON + dt.timedelta(days=29)))
    store.add(an_api_key("lasting", expires_at=NOON + dt.timedelta(days=31)))

    lines = supakeep("keys", "list").out.splitlines()[1:]
    keys = supakeep("keys", "list", "--json").json["keys"]

    assert ["ends soon" in line for line in lines] == [True, False]
    assert [(key["state"], key["expires_soon"]) for key in keys] == [
        ("valid", True),
        ("valid", False),
    ]


def test_a_key_that_is_not_there_cannot_be_revoked(
    supakeep: Supakeep, store: InMemoryApiKeyStore
) -> None:
    ended = supakeep("keys", "revoke", "ci")

    assert ended.code == 1
    assert "No key is named ci" in ended.err


@pytest.mark.parametrize(
    "words", [("keys", "list"), ("keys", "revoke", "ci"), ("keys", "add", "ci", "--scope", "view")]
)
def test_without_the_table_it_is_said_what_to_set(
    supakeep: Supakeep, words: tuple[str, ...]
) -> None:
    ended = supakeep(*words)

    assert ended.code == 1
    assert "RUNS_TABLE is not set" in ended.err
    assert "RunsTableName" in ended.err


def test_a_scope_that_there_is_not_is_wrong_usage(
    supakeep: Supakeep, store: InMemoryApiKeyStore
) -> None:
    ended = supakeep("keys", "add", "ci", "--scope", "everything")

    assert ended.code == 2
    assert "everything" in ended.err
    assert list(store.list_all()) == []
