"""How entries that name each other are stored: small signed JSON objects beside the backups."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic

from pydantic import BaseModel

from supakeep.archive.sealed_json import checksum_of
from supakeep.archive.sealed_kind import SealedKind
from supakeep.archive.signature import Keyring
from supakeep.domain.chain import E, StoredEntry
from supakeep.domain.manifest import Signature


class _Signed(BaseModel):
    signature: Signature | None = None


@dataclass(frozen=True)
class Chain(Generic[E]):
    """The entries of one kind. `unstored` are fields that are known only once an entry is stored."""

    kind: SealedKind
    model: type[E]
    unstored: Mapping[str, Any] | None = None

    @property
    def folder(self) -> str:
        """The folder that the entries of every project lie in."""
        return self.model.folder

    def encode(self, entry: E, keyring: Keyring | None) -> bytes:
        """The entry as it is stored; with `keyring` it is signed."""
        fields = entry.model_dump(mode="json", exclude=dict(self.unstored or {}))
        return self.kind.encode(fields, keyring)

    def parse(self, content: bytes, key: str) -> StoredEntry[E]:
        """The entry that is stored under `key`. Raises IntegrityError for one that is damaged, of another
        format, or stands under a key that is not its own.
        """
        entry = self.kind.parse(self.model, content, key)
        if entry.key != key:
            raise self.kind.untrusted(key, f"it was written as {entry.key}")
        signature = self.kind.parse(_Signed, content, key).signature
        checksum = checksum_of(self.kind.fields(content, key))
        return StoredEntry(key, checksum, entry, signature.key_id if signature else None)
