from __future__ import annotations

import datetime as dt
from typing import Any

from supakeep.domain.api_key import ApiKey, Scope, hash_of
from tests.fakes.time import NOON


def an_api_key(name: str = "ci", secret: str | None = None, **fields: Any) -> ApiKey:
    """A key that is valid at NOON. Without `secret` it is `key_named(name)`."""
    given = {
        "scopes": (Scope.VIEW,),
        "created_at": NOON - dt.timedelta(days=1),
        "expires_at": NOON + dt.timedelta(days=30),
        **fields,
    }
    return ApiKey(name=name, sha256=hash_of(secret or key_named(name)), **given)


def key_named(name: str) -> str:
    return f"supakeep_the-key-that-is-named-{name}"
