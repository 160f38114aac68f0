"""How a pin is stored: a small JSON object beside the backup (docs/format.md)."""

from __future__ import annotations

import datetime as dt
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from supakeep.archive.sealed_json import UnsealedError, json_object, sealed, without_checksum
from supakeep.archive.signature import Keyring
from supakeep.domain.backup_name import ObjectName
from supakeep.errors import IntegrityError, SignatureError, UnsignedError

PIN_FORMAT = "supakeep-pin/1"
SIGNED_AS = "supakeep pin"
"""The purpose that a pin's signature counts for."""

_MAJOR = f"{PIN_FORMAT}."


class _StoredPin(BaseModel):
    model_config = ConfigDict(extra="ignore")

    backup: str
    until: dt.date | None


def encode_pin(
    backup: str, until: dt.date | None, pinned_at: dt.datetime, keyring: Keyring | None
) -> bytes:
    """The pin as it is stored; with `keyring` it is signed."""
    fields = {
        "format": PIN_FORMAT,
        "backup": backup,
        "until": until and until.isoformat(),
        "pinned_at": f"{pinned_at:%Y-%m-%dT%H:%M:%SZ}",
    }
    return sealed(fields, SIGNED_AS, keyring)


def pinned_until(content: bytes, key: str) -> dt.date | None:
    """The last day of the pin that is stored under `key`; None for one without an end.

    Raises IntegrityError for one that is damaged, of another format, or of another backup.
    """
    try:
        pin = _StoredPin.model_validate(_whole_fields(content))
    except ValidationError:
        raise _untrusted(key, "its fields are not those of a pin") from None
    except UnsealedError as exc:
        raise _untrusted(key, str(exc)) from exc
    name = ObjectName.parse(key)
    if name is None or name.backup.text != pin.backup:
        raise _untrusted(key, f"it is that of {pin.backup}")
    return pin.until


def check_pin_signature(content: bytes, key: str, keyring: Keyring) -> None:
    """Raises SignatureError for a pin that was not signed with a key that is known."""
    try:
        fields = _whole_fields(content)
    except UnsealedError as exc:
        raise _untrusted(key, str(exc)) from exc
    stored = fields.pop("signature", None)
    if stored is None:
        raise UnsignedError(f"The pin {key} is unsigned", operation="read pin", key=key)
    try:
        keyring.check_stored(SIGNED_AS, fields, stored)
    except SignatureError as exc:
        raise SignatureError(
            f"The pin {key} cannot be trusted: {exc.message}", operation="read pin", key=key
        ) from None


def _whole_fields(content: bytes) -> dict[str, Any]:
    fields = json_object(content)
    written = str(fields.get("format"))
    if written != PIN_FORMAT and not written.startswith(_MAJOR):
        raise UnsealedError(f"its format {written[:40]!r} is unknown")
    return without_checksum(fields)


def _untrusted(key: str, why: str) -> IntegrityError:
    return IntegrityError(
        f"The pin {key} cannot be trusted: {why}",
        operation="read pin",
        key=key,
        hint="Unpin the backup and pin it again: `supakeep unpin NAME`, `supakeep pin NAME`.",
    )
