"""How a Supabase project's key is sent."""

from __future__ import annotations


def key_headers(key: str) -> dict[str, str]:
    """The headers that authorize a request to the project.

    A key of today (`sb_secret_…`) is not a JWT, and the gateway refuses it as a Bearer token. A
    legacy `service_role` JWT has to stand in both headers.
    """
    headers = {"apikey": key}
    if not key.startswith("sb_"):
        headers["Authorization"] = f"Bearer {key}"
    return headers
