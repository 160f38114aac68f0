"""Digests of definitions, for the manifest, which nobody encrypts."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from supakeep.archive.signature import Keyring

_DIGITS = 16
_DIGESTED_AS = "supakeep definition"


@dataclass(frozen=True)
class DefinitionsDigest:
    """A plain SHA-256 where the SQL itself lies beside the manifest for everybody to read. Of SQL that
    `is_secret` it would let anybody check a guess, so that it takes the key that signs, or there is none.
    """

    keyring: Keyring | None
    is_secret: bool

    @property
    def key_id(self) -> str | None:
        """The name of the key that the digests are made with."""
        return self.keyring.key_id if self.keyring and self.is_secret else None

    def of(self, sql: str) -> str | None:
        """The first half of the digest, in hex."""
        if not self.is_secret:
            return hashlib.sha256(sql.encode(errors="surrogatepass")).hexdigest()[:_DIGITS]
        if self.keyring is None:
            return None
        return self.keyring.sign(_DIGESTED_AS, {"sql": sql}).value[:_DIGITS]
