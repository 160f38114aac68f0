from __future__ import annotations

import datetime as dt
import hashlib
from typing import Any

import pytest

from supakeep.domain.api_key import Scope
from supakeep.errors import ApiKeyNotFoundError, InvalidRequestError
from supakeep.runs.in_memory_keys import InMemoryApiKeyStore
from supakeep.usecases.manage_keys import ManageKeys
from tests.builders.api_keys import an_api_key, key_named
from tests.fakes.time import NOON

STRONG = "0123456789abcdef0123456789abcdef"
ADMIN = "the-admin-key-of-thirty-two-characters"


@pytest.fixture
def store() -> InMemoryApiKeyStore:
    return InMemoryApiKeyStore()


@pytest.fixture
def keys(store: InMemoryApiKeyStore) -> ManageKeys:
    return ManageKeys(store, [ADMIN])


def test_a_key_is_made_and_only_its_hash_is_kept(
    keys: ManageKeys, store: InMemoryApiKeyStore
) -> None:
    made, text = keys.add("ci", [Scope.BACKUP, Scope.VIEW], now=NOON)
    _, another = keys.add("ci-2", [Scope.VIEW], now=NOON)

    assert text.startswith("supakeep_")
    assert len(text) > 50
    assert text != another
    assert made.sha256 == hashlib.sha256(text.encode()).hexdigest()
    assert made.scopes == (Scope.VIEW, Scope.BACKUP)
    assert (made.created_at, made.expires_at) == (NOON, NOON + dt.timedelta(days=365))
    assert text not in str(store.list_all())


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"given": "short"}, "The key has 5 characters; 32 are the least"),
        ({"given": "ab" * 20}, "The key repeats a few characters, so it can be guessed"),
        (
            {"given": f"{STRONG} "},
            "The key contains a space, a line break or a character that is not",
        ),
        ({"given": ADMIN}, "The key is the same as that of ADMIN_KEY or CRON_SECRET"),
        ({"given": key_named("old")}, "The key is the same as that of old"),
        ({"name": "old"}, "A key named old was there before"),
        ({"name": "Has Space"}, "'Has Space' is not 1 to 40 lower-case letters"),
        ({"scopes": []}, "The key has no scope"),
        ({"expires_at": NOON}, "2026-11-22 is over"),
    ],
)
def test_a_key_that_will_not_do_is_refused_with_the_fix(
    keys: ManageKeys, store: InMemoryApiKeyStore, fields: dict[str, Any], message: str
) -> None:
    store.add(an_api_key("old").revoked(NOON))
    asked = {"name": "ci", "scopes": [Scope.VIEW], "now": NOON, **fields}

    with pytest.raises(InvalidRequestError) as raised:
        keys.add(**asked)

    assert raised.value.message.startswith(message)
    assert raised.value.hint
    given = fields.get("given")
    assert given is None or given not in raised.value.message
    assert [key.name for key in store.list_all()] == ["old"]


def test_a_revoked_key_keeps_the_time_at_which_it_was_revoked(
    keys: ManageKeys, store: InMemoryApiKeyStore
) -> None:
    store.add(an_api_key("ci"))

    keys.revoke("ci", NOON)
    again = keys.revoke("ci", NOON + dt.timedelta(days=1))

    assert again.revoked_at == NOON
    assert [key.state_at(NOON) for key in store.list_all()] == ["revoked"]


def test_a_key_that_is_not_there_cannot_be_revoked(keys: ManageKeys) -> None:
    with pytest.raises(ApiKeyNotFoundError, match="No key is named ci"):
        keys.revoke("ci", NOON)
