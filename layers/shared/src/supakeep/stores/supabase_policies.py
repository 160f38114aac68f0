"""Policies that open a bucket of Supabase Storage to others than the secret key."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence

import httpx

log = logging.getLogger(__name__)


def open_policies(
    client: httpx.Client, url: str, headers: Mapping[str, str], bucket: str
) -> Sequence[str]:
    """The names of the policies under which others may read `bucket` of the project at `url`.

    Supakeep's function in the database reports them. Where the Data API does not reach it, as the
    `postgres` engine allows, nothing is known, and none is named: that must not stop a backup. Raises
    httpx's errors, and ValueError, KeyError or TypeError for a foreign answer.
    """
    response = client.post(
        f"{url.rstrip('/')}/rest/v1/rpc/supakeep_open_policies",
        headers=dict(headers),
        json={"request": json.dumps({"bucket": bucket})},
    )
    if not response.is_success:
        log.warning(
            "The policies on storage.objects were not checked (HTTP %d): run `supakeep migration`",
            response.status_code,
        )
        return ()
    policies: list[str] = response.json()["policies"]
    return policies
