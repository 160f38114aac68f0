"""How a pin is stored: a small JSON object beside the backup (docs/format.md)."""

from __future__ import annotations

import datetime as dt

from pydantic import BaseModel, ConfigDict

from supakeep.archive.sealed_kind import SealedKind
from supakeep.archive.signature import Keyring
from supakeep.domain.backup_name import ObjectName

PIN = SealedKind(
    "pin",
    "supakeep-pin/1",
    "Unpin the backup and pin it again: `supakeep unpin NAME`, `supakeep pin NAME`.",
)


class _StoredPin(BaseModel):
    model_config = ConfigDict(extra="ignore")

    backup: str
    until: dt.date | None


def encode_pin(
    backup: str, until: dt.date | None, pinned_at: dt.datetime, keyring: Keyring | None
) -> bytes:
    """The pin as it is stored; with `keyring` it is signed."""
    fields = {
        "backup": backup,
        "until": until and until.isoformat(),
        "pinned_at": f"{pinned_at:%Y-%m-%dT%H:%M:%SZ}",
    }
    return PIN.encode(fields, keyring)


def pinned_until(content: bytes, key: str) -> dt.date | None:
    """The last day of the pin that is stored under `key`; None for one without an end.

    Raises IntegrityError for one that is damaged, of another format, or of another backup.
    """
    pin = PIN.parse(_StoredPin, content, key)
    name = ObjectName.parse(key)
    if name is None or name.backup.text != pin.backup:
        raise PIN.untrusted(key, f"it is that of {pin.backup}")
    return pin.until
