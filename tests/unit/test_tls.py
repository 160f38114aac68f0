from __future__ import annotations

import ssl

import pytest

from supakeep.databases.data_api.client import DataApiClient
from supakeep.notices.http_notifier import notifier_over_http
from supakeep.stores.supabase_storage import storage_client
from supakeep.tls import tls_context


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
    notifier_over_http({"PING_URL": "https://ping.example/1"})

    assert len(loaded) == 1
