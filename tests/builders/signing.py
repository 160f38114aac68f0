"""Signing keys, and manifests that somebody without them writes."""

from __future__ import annotations

import json
from typing import Any

from supakeep.archive.sealed_json import checksum_of
from supakeep.archive.signature import Keyring

SIGNING_KEY = "the-signing-key-of-the-tests-0123456789"
FORMER_KEY = "the-signing-key-before-it-was-replaced-"
STRANGERS_KEY = "a-key-that-somebody-else-has-made-up-00"
KEYRING = Keyring(SIGNING_KEY)
STRANGERS = Keyring(STRANGERS_KEY)


def with_a_right_checksum(fields: dict[str, Any]) -> bytes:
    """A manifest as whoever can write into the bucket makes it: its checksum is right."""
    fields = {name: value for name, value in fields.items() if name != "checksum"}
    return json.dumps({**fields, "checksum": checksum_of(fields)}, indent=1).encode()
