"""Every problem of the environment at once, where `Settings.from_environment` raises the first."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

from supakeep.domain.api_key import weakness_of
from supakeep.domain.copy_policy import parse_copies
from supakeep.errors import ConfigurationError
from supakeep.settings import (
    KEY_NAMES,
    check_key,
    plain_problems,
    required_key,
)
from supakeep.settings.database_address import DatabaseAddress
from supakeep.settings.encryption import (
    certificate_authority,
    check_encryption,
    plaintext_allowed,
)
from supakeep.settings.identity import identities_of
from supakeep.settings.notices import notices_problems
from supakeep.settings.project import project_of
from supakeep.settings.signing import keyring_of

T = TypeVar("T")

API_KEYS = ("ADMIN_KEY", "CRON_SECRET")
# what a scheduler such as Vercel's asks for at the least
LEAST_OF_SETTINGS = 16

_NAMES = (
    *("NEXT_PUBLIC_SUPABASE_URL", "SUPABASE_URL", "SUPABASE_SERVICE_ROLE_KEY", "SUPABASE_DB_URL"),
    *(
        "SUPABASE_DB_CA",
        "DRILL_DB_URL",
        "SUPABASE_DB_ALLOW_PLAINTEXT",
        "SUPABASE_PROJECT_REF",
        "DB_CONNECTIONS",
    ),
    *("ADMIN_KEY", "CRON_SECRET", "BACKUP_BUCKET", "MIRROR_S3_BUCKET", "MAX_OBJECT_BYTES"),
    *("COPIES", "RUNS_TABLE", "RUNS_FOLDER", "SUPAKEEP_CONFIG", "MAX_BACKUP_AGE_HOURS"),
    *("AGE_IDENTITY", "SUPAKEEP_IDENTITY_FILE", "SIGNING_KEY", "SIGNING_KEYS_OLD"),
    *("WEBHOOK_URL", "WEBHOOK_FORMAT", "WEBHOOK_SECRET", "WEBHOOK_ON", "PING_URL"),
)
_PREFIXES = (
    "NEXT_",
    "SUPA",
    "MIRROR_",
    "BACKUP_",
    "DB_",
    "MAX_",
    "RUNS_",
    "AGE_",
    "SIGN",
    "WEBHOOK",
)
# so alike that it is a typing mistake, and not the variable of another program
_ALIKE = 0.9


def environment_problems(environment: Mapping[str, str]) -> list[ConfigurationError]:
    """What is wrong with the variables, in the order in which they are read."""
    values = {name: text.strip() for name, text in environment.items() if text.strip()}
    return _Problems(values).found


class _Problems:
    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values
        self.found: list[ConfigurationError] = [*_misspelt(values)]
        for name in KEY_NAMES:
            self._try(lambda name=name: check_key(name, values))  # type: ignore[misc]
        self.found += _weak_keys(values)
        self.found += notices_problems(values)
        self._check_project()
        self._try(lambda: certificate_authority(values))
        self._try(lambda: identities_of(values))
        self._try(lambda: keyring_of(values))
        self._try(lambda: parse_copies(values.get("COPIES", "")))
        self.found += plain_problems(values)

    def _try(self, check: Callable[[], T]) -> T | None:
        try:
            return check()
        except ConfigurationError as exc:
            self.found.append(exc)
            return None

    def _check_project(self) -> None:
        values, db_url = self._values, self._values.get("SUPABASE_DB_URL")
        has_url = "NEXT_PUBLIC_SUPABASE_URL" in values or "SUPABASE_URL" in values
        address = self._try(lambda: DatabaseAddress.parse(db_url, values)) if db_url else None
        plaintext = self._try(lambda: plaintext_allowed(values))
        if address is not None:
            self._try(lambda: check_encryption(address, plaintext_allowed=bool(plaintext)))
        # an address that cannot be read may have the ref that is missing
        if has_url or address is not None or db_url is None:
            self._try(lambda: project_of(values, address))
        if has_url:
            self._try(lambda: required_key(values))


def _weak_keys(values: Mapping[str, str]) -> Iterator[ConfigurationError]:
    """Keys that open the HTTP API and can be guessed, or are one key. They still work: a stack that has
    them must not stop its backups at an update.
    """
    hint = "Choose another one, such as `openssl rand -hex 24` prints."
    for name in API_KEYS:
        weakness = weakness_of(values[name], LEAST_OF_SETTINGS) if name in values else None
        if weakness and _is_key(name, values):
            yield _problem(name, f"{name} {weakness}", hint)
    first, second = API_KEYS
    if first in values and values[first] == values.get(second):
        yield _problem(second, f"{second} is the same as {first}, so it opens every route", hint)


def _is_key(name: str, values: Mapping[str, str]) -> bool:
    try:
        check_key(name, values)
    except ConfigurationError:
        # reported by itself
        return False
    return True


def _problem(key: str, message: str, hint: str) -> ConfigurationError:
    return ConfigurationError(message, operation="read settings", key=key, hint=hint)


def _misspelt(values: Mapping[str, str]) -> Iterator[ConfigurationError]:
    missing = [name for name in _NAMES if name not in values]
    for name in sorted(values):
        if name in _NAMES or not name.startswith(_PREFIXES):
            continue
        for meant in difflib.get_close_matches(name, missing, 1, _ALIKE):
            yield _problem(name, f"{name} is not a setting", f"Is {meant} meant? Rename it.")
