from __future__ import annotations

import ssl

import pytest

from supakeep.databases.data_api.client import DataApiClient
from supakeep.stores.supabase_storage import storage_client
from supakeep.supabase_gateway import key_headers, tls_context


@pytest.mark.parametrize("key", ["sb_secret_abc", "sb_publishable_abc"])
def test_a_key_that_is_not_a_jwt_is_never_sent_as_a_bearer_token(key: str) -> None:
    assert key_headers(key) == {"apikey": key}


def test_a_legacy_jwt_stands_in_both_headers() -> None:
    assert key_headers("eyJ.e30.x") == {"apikey": "eyJ.e30.x", "Authorization": "Bearer eyJ.e30.x"}


def test_the_clients_of_a_process_load_the_certificates_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tls_context.cache_clear()
    loaded: list[ssl.SSLContext] = []

    def load() -> ssl.SSLContext:
        loaded.append(ssl.create_default_context())
        return loaded[-1]

    monkeypatch.setattr("httpx.create_ssl_context", load)

    storage_client().close()
    storage_client().close()
    DataApiClient("https://project.supabase.co", "sb_secret_key")

    assert len(loaded) == 1
