"""Keys of the HTTP API: who may call, and what for."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import re
from collections.abc import Iterable
from enum import StrEnum
from typing import Self

from pydantic import BaseModel, ConfigDict

# a guess at 32 characters of a generated key has no chance, whatever the number of tries
LEAST_CHARACTERS = 32
# fewer different ones are a word or a pattern, not a random key
_LEAST_DIFFERENT = 10
# so long before its end a key asks to be replaced
EXPIRES_SOON = dt.timedelta(days=30)
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_KEY = re.compile(r"[!-~]+")


class Scope(StrEnum):
    """What a key is good for. `admin` is good for everything."""

    HEALTH = "health"
    VIEW = "view"
    BACKUP = "backup"
    DOWNLOAD = "download"
    RESTORE = "restore"
    PRUNE = "prune"
    ADMIN = "admin"


class ApiKey(BaseModel):
    """A key as it is recorded: never itself, only its SHA-256. A generated key is as random as the
    hash, so neither salt nor a slow hash would make it harder to find.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    scopes: tuple[Scope, ...]
    sha256: str
    created_at: dt.datetime
    expires_at: dt.datetime
    revoked_at: dt.datetime | None = None

    def state_at(self, now: dt.datetime) -> str:
        """`valid`, `expired` or `revoked`."""
        if self.revoked_at is not None:
            return "revoked"
        return "valid" if now < self.expires_at else "expired"

    def expires_soon(self, now: dt.datetime) -> bool:
        """Whether it is valid, and ends within EXPIRES_SOON."""
        return self.state_at(now) == "valid" and self.expires_at - now < EXPIRES_SOON

    def revoked(self, now: dt.datetime) -> Self:
        return self.model_copy(update={"revoked_at": now})


def hash_of(key: str) -> str:
    """What is recorded of a key: `printf %s "$KEY" | sha256sum` prints the same."""
    return hashlib.sha256(key.encode()).hexdigest()


def key_that_is(given: str, keys: Iterable[ApiKey]) -> ApiKey | None:
    """The record of this key. Every record is compared, so the time says nothing about any."""
    wanted, found = hash_of(given), None
    for key in keys:
        if hmac.compare_digest(wanted, key.sha256):
            found = key
    return found


def grants(scopes: Iterable[Scope], wanted: Scope) -> bool:
    held = frozenset(scopes)
    return wanted in held or Scope.ADMIN in held


def name_problem(name: str) -> str | None:
    """What is wrong with a key's name; None where nothing is."""
    if _NAME.fullmatch(name):
        return None
    return "is not 1 to 40 lower-case letters, digits and hyphens, with no hyphen first"


def weakness_of(key: str, least: int = LEAST_CHARACTERS) -> str | None:
    """Why a key that somebody chose is refused; None where it is good. It does not show the key."""
    if len(key) < least:
        return f"has {len(key)} characters; {least} are the least"
    if not _KEY.fullmatch(key):
        return "contains a space, a line break or a character that is not ASCII"
    if len(set(key)) < _LEAST_DIFFERENT:
        return "repeats a few characters, so it can be guessed"
    return None
