"""Which keys there are, as the API answers it."""

from __future__ import annotations

import datetime as dt

import pytest

from supakeep.domain.api_key import Scope
from tests.builders.api_keys import an_api_key, key_named
from tests.fakes.time import NOON
from tests.unit.api.conftest import Functions

pytestmark = pytest.mark.filterwarnings("ignore:No application metrics to publish")

KEYS = "/api/admin/keys"
MONTH, DAY = dt.timedelta(days=30), dt.timedelta(days=1)


def test_every_key_is_listed_with_what_it_is_good_for_and_until_when(functions: Functions) -> None:
    restore = functions("restore")
    for key in (
        an_api_key("ci", scopes=(Scope.VIEW, Scope.BACKUP), expires_at=NOON + 2 * MONTH),
        an_api_key("old", expires_at=NOON - DAY),
        an_api_key("leaked").revoked(NOON - DAY),
    ):
        restore.project.api_keys.add(key)

    ci, leaked, old = restore.request("GET", KEYS).body["keys"]

    assert ci == {
        "name": "ci",
        "scopes": ["view", "backup"],
        "created_at": "2026-11-21T12:00:00Z",
        "expires_at": "2027-01-21T12:00:00Z",
        "revoked_at": None,
        "state": "valid",
        "expires_soon": False,
    }
    assert (leaked["state"], leaked["revoked_at"]) == ("revoked", "2026-11-21T12:00:00Z")
    assert (old["state"], old["revoked_at"]) == ("expired", None)


@pytest.mark.parametrize(
    ("left", "soon"),
    [(MONTH, False), (MONTH - dt.timedelta(seconds=1), True), (dt.timedelta(0), False)],
)
def test_a_key_asks_to_be_replaced_in_its_last_thirty_days(
    functions: Functions, left: dt.timedelta, soon: bool
) -> None:
    restore = functions("restore")
    restore.project.api_keys.add(an_api_key("ci", expires_at=NOON + left))
    restore.project.api_keys.add(an_api_key("gone", expires_at=NOON + DAY).revoked(NOON))

    shown = {key["name"]: key for key in restore.request("GET", KEYS).body["keys"]}

    assert shown["ci"]["expires_soon"] is soon
    assert shown["gone"]["expires_soon"] is False


def test_neither_a_key_nor_its_hash_is_shown(functions: Functions) -> None:
    restore = functions("restore")
    key = an_api_key("ci")
    restore.project.api_keys.add(key)

    answer = restore.request("GET", KEYS)

    settings = restore.project.settings
    secrets = [s.get_secret_value() for s in (settings.admin_key, settings.cron_secret) if s]
    for hidden in (key.sha256, key.sha256[:8], key_named("ci"), *secrets):
        assert hidden not in str(answer.body)


def test_the_keys_of_the_secret_are_named_for_they_have_no_record(functions: Functions) -> None:
    restore = functions("restore")
    assert restore.request("GET", KEYS).body == {
        "keys": [],
        "unrecorded": ["ADMIN_KEY", "CRON_SECRET"],
    }

    restore.project.settings = restore.project.settings.model_copy(update={"cron_secret": None})

    assert restore.request("GET", KEYS).body["unrecorded"] == ["ADMIN_KEY"]
