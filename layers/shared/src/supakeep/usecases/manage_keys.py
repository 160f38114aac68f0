"""Add, list and revoke keys of the HTTP API."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Collection, Sequence

from supakeep.domain.api_key import (
    LEAST_CHARACTERS,
    ApiKey,
    Scope,
    hash_of,
    key_that_is,
    name_problem,
    weakness_of,
)
from supakeep.errors import ApiKeyNotFoundError, InvalidRequestError
from supakeep.ports import ApiKeyStore

# secret scanners and people recognise it by how it begins
_PREFIX = "supakeep_"
_RANDOM_BYTES = 32
DEFAULT_LIFE = dt.timedelta(days=365)


class ManageKeys:
    """The keys of one project. `others` are keys that are not recorded: ADMIN_KEY and CRON_SECRET."""

    def __init__(self, store: ApiKeyStore, others: Collection[str] = ()) -> None:
        self._store = store
        self._others = others

    def add(
        self,
        name: str,
        scopes: Collection[Scope],
        *,
        now: dt.datetime,
        expires_at: dt.datetime | None = None,
        given: str | None = None,
    ) -> tuple[ApiKey, str]:
        """The record of a new key, and the key, which nothing keeps. Without `given` it is generated.

        Raises InvalidRequestError where the name, the key or its end will not do.
        """
        end = expires_at or now + DEFAULT_LIFE
        self._check(name, scopes, end, now, given)
        text = given or f"{_PREFIX}{secrets.token_urlsafe(_RANDOM_BYTES)}"
        key = ApiKey(
            name=name,
            scopes=tuple(scope for scope in Scope if scope in scopes),
            sha256=hash_of(text),
            created_at=now,
            expires_at=end,
        )
        if not self._store.add(key):
            raise _refused(
                f"A key named {name} was there before",
                "Choose another name: what a key did is known by its name, also after it was revoked.",
            )
        return key, text

    def list_all(self) -> Sequence[ApiKey]:
        return self._store.list_all()

    def revoke(self, name: str, now: dt.datetime) -> ApiKey:
        """The key as it is from now on. One that was revoked before keeps its time."""
        found = next((key for key in self._store.list_all() if key.name == name), None)
        if found is None:
            raise ApiKeyNotFoundError(name)
        if found.revoked_at is not None:
            return found
        revoked = found.revoked(now)
        self._store.replace(revoked)
        return revoked

    def _check(
        self,
        name: str,
        scopes: Collection[Scope],
        end: dt.datetime,
        now: dt.datetime,
        given: str | None,
    ) -> None:
        if problem := name_problem(name):
            raise _refused(f"{name[:100]!r} {problem}", "Choose a name such as ci-2026-11.")
        if not scopes:
            raise _refused("The key has no scope", f"Name one or more: {', '.join(Scope)}.")
        if end <= now:
            raise _refused(f"{end:%Y-%m-%d} is over", "Choose a last day that is not.")
        if given is not None:
            self._check_given(given)

    def _check_given(self, given: str) -> None:
        if weakness := weakness_of(given):
            raise _refused(
                f"The key {weakness}",
                f"Leave --key out, and a good one is made; or take {LEAST_CHARACTERS} random "
                "characters or more, such as those of `openssl rand -hex 24`.",
            )
        same = key_that_is(given, self._store.list_all())
        if same is not None or given in self._others:
            holder = same.name if same else "ADMIN_KEY or CRON_SECRET"
            raise _refused(
                f"The key is the same as that of {holder}",
                "Each key needs a value of its own: leave --key out, and one is made.",
            )


def _refused(message: str, hint: str) -> InvalidRequestError:
    return InvalidRequestError(message, operation="record key", hint=hint)
