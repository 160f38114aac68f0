"""What stands over an object store, and changes only some of what it does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import BinaryIO

from supakeep.errors import StorageError
from supakeep.ports.stores import ObjectStore, StoredObject


class ForwardingObjectStore:
    """Hands each call on to `store`, under its name; a subclass overrides what it changes."""

    def __init__(self, store: ObjectStore) -> None:
        self.name = store.name
        self._store = store

    def require_private(self) -> None:
        self._store.require_private()

    def spool(self, key: str) -> BinaryIO:
        return self._store.spool(key)

    def put(self, key: str, content: BinaryIO) -> None:
        self._store.put(key, content)

    def replace(self, key: str, content: BinaryIO) -> None:
        self._store.replace(key, content)

    def read(self, key: str) -> AbstractContextManager[Iterator[bytes]]:
        return self._store.read(key)

    def list(self, prefix: str) -> Iterator[StoredObject]:
        return self._store.list(prefix)

    def delete(self, key: str) -> None:
        self._store.delete(key)

    def delete_all(self, keys: Sequence[str]) -> dict[str, StorageError]:
        return self._store.delete_all(keys)

    def erase_all(self, keys: Sequence[str]) -> dict[str, StorageError]:
        return self._store.erase_all(keys)

    def signed_url(self, key: str, expires_in_seconds: int) -> str:
        return self._store.signed_url(key, expires_in_seconds)
