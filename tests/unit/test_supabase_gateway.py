from __future__ import annotations

import pytest

from supakeep.supabase_gateway import key_headers


@pytest.mark.parametrize("key", ["sb_secret_abc", "sb_publishable_abc"])
def test_a_key_that_is_not_a_jwt_is_never_sent_as_a_bearer_token(key: str) -> None:
    assert key_headers(key) == {"apikey": key}


def test_a_legacy_jwt_stands_in_both_headers() -> None:
    assert key_headers("eyJ.e30.x") == {"apikey": "eyJ.e30.x", "Authorization": "Bearer eyJ.e30.x"}
