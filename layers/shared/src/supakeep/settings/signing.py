"""The keys that manifests are signed and verified with."""

from __future__ import annotations

from collections.abc import Mapping

from supakeep.archive.signature import Keyring
from supakeep.errors import ConfigurationError

KEY = "SIGNING_KEY"
FORMER_KEYS = "SIGNING_KEYS_OLD"
SECRET_ID = "SIGNING_KEY_SECRET_ID"  # noqa: S105  (the name of a variable)


def keyring_of(values: Mapping[str, str]) -> Keyring | None:
    """What SIGNING_KEY and SIGNING_KEYS_OLD say; None where backups are not signed.

    Raises ConfigurationError for a key that could be guessed, and where a key is missing that should
    be there: a backup must not go unsigned, or be believed, because a secret was emptied.
    """
    key = values.get(KEY, "").strip()
    former = [old.strip() for old in values.get(FORMER_KEYS, "").split(",") if old.strip()]
    if key:
        return Keyring(key, former)
    for name in (FORMER_KEYS, SECRET_ID):
        if values.get(name, "").strip():
            raise ConfigurationError(
                f"{name} is set, and there is no {KEY}",
                operation="read settings",
                key=KEY,
                hint=f"Put {KEY} into the secret (`openssl rand -hex 32` makes one), or leave both out.",
            )
    return None
