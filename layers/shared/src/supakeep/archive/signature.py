"""Signatures: they show that what was stored was written by somebody who holds the key."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from supakeep.domain.manifest import Signature
from supakeep.errors import ConfigurationError, SignatureError

ALGORITHM = "HMAC-SHA256"
LEAST_CHARACTERS = 32
"""A shorter key could be guessed from any one signature."""

_KEY_ID_DIGITS = 8
_MASKS = b"supakeep column masks"


class Keyring:
    """The key that signs, and the `former` ones, whose signatures still hold.

    Raises ConfigurationError, which shows no part of a key, for a key that is too short.
    """

    def __init__(self, key: str, former: Sequence[str] = ()) -> None:
        for name, text in [("SIGNING_KEY", key), *(("SIGNING_KEYS_OLD", old) for old in former)]:
            _check_key(name, text)
        self._key = key
        self._keys = {key_id_of(text): text.encode() for text in (*former, key)}

    @property
    def key_id(self) -> str:
        """The name of the key that signs."""
        return key_id_of(self._key)

    @property
    def mask_key(self) -> bytes:
        """What the values of masked columns are hashed with. It is derived from the key that signs, so
        that no hash of a value tells anything about a signature, and no value can be tried without it.
        """
        return hmac.new(self._key.encode(), _MASKS, hashlib.sha256).digest()

    def sign(self, purpose: str, fields: Mapping[str, Any]) -> Signature:
        """The signature of JSON fields, which counts for this purpose only."""
        value = _mac(self._key.encode(), purpose, fields)
        return Signature(algorithm=ALGORITHM, key_id=self.key_id, value=value)

    def check(self, purpose: str, fields: Mapping[str, Any], signature: Signature) -> None:
        """Raises SignatureError where none of the keys has made this signature of these fields."""
        if signature.algorithm != ALGORITHM:
            raise _refused(f"its signature is of another kind than {ALGORITHM}")
        key = self._keys.get(signature.key_id)
        if key is None:
            raise _refused("it is signed with a key that is neither SIGNING_KEY nor a former one")
        expected = _mac(key, purpose, fields)
        if not hmac.compare_digest(expected.encode(), _bytes_of(signature.value)):
            raise _refused("it is forged: its signature is not that of its content")

    def check_stored(self, purpose: str, fields: Mapping[str, Any], stored: object) -> None:
        """The same with a signature as it was stored, which may be none."""
        try:
            signature = Signature.model_validate(stored)
        except ValidationError:
            raise _refused("its signature is not one") from None
        self.check(purpose, fields, signature)


def key_id_of(key: str) -> str:
    """What signatures call a key: enough to find it among a few, and too little to guess it."""
    return hashlib.sha256(key.encode()).hexdigest()[:_KEY_ID_DIGITS]


def canonical(fields: Mapping[str, Any]) -> bytes:
    """JSON fields in the one spelling that checksums and signatures are made of."""
    return json.dumps(fields, sort_keys=True, separators=(",", ":")).encode()


def _bytes_of(text: str) -> bytes:
    """Of any text that JSON can hold, half a surrogate pair included."""
    return text.encode(errors="surrogatepass")


def _mac(key: bytes, purpose: str, fields: Mapping[str, Any]) -> str:
    return hmac.new(key, purpose.encode() + b"\n" + canonical(fields), hashlib.sha256).hexdigest()


def _check_key(name: str, key: str) -> None:
    if len(key) < LEAST_CHARACTERS or not key.isascii() or not key.isprintable() or "," in key:
        raise ConfigurationError(
            f"{name} holds a key that is not {LEAST_CHARACTERS} or more printable ASCII characters",
            operation="read settings",
            key=name,
            hint="Make one with `openssl rand -hex 32`. Former keys are separated by commas.",
        )


def _refused(why: str) -> SignatureError:
    return SignatureError(why, operation="verify signature")
