"""The keys of the API as it answers them: neither a key nor its hash."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Self

from supakeep.api.answers.answer import Answer
from supakeep.domain.api_key import ApiKey, Scope


class KeyAnswer(Answer):
    """One key. `state` is `valid`, `expired` or `revoked`; `expires_soon` is whether it is time to replace
    it. `revoked_at` is None as long as nobody has revoked it.
    """

    name: str
    scopes: tuple[Scope, ...]
    created_at: dt.datetime
    expires_at: dt.datetime
    revoked_at: dt.datetime | None
    state: str
    expires_soon: bool

    @classmethod
    def of(cls, key: ApiKey, now: dt.datetime) -> Self:
        return cls(
            name=key.name,
            scopes=key.scopes,
            created_at=key.created_at,
            expires_at=key.expires_at,
            revoked_at=key.revoked_at,
            state=key.state_at(now),
            expires_soon=key.expires_soon(now),
        )


class KeyList(Answer):
    """GET /api/admin/keys: every key that was ever recorded, by name. `unrecorded` names those of the
    secret that are set: they open their routes too, and have neither an end nor a record.
    """

    keys: list[KeyAnswer]
    unrecorded: list[str]

    @classmethod
    def of(cls, keys: Sequence[ApiKey], unrecorded: Sequence[str], now: dt.datetime) -> Self:
        return cls(keys=[KeyAnswer.of(key, now) for key in keys], unrecorded=list(unrecorded))
