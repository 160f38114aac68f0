"""An object store that begins nothing once the time is up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import BinaryIO

from supakeep.errors import StorageError
from supakeep.ports import Deadline, ObjectStore, StoredObject


class ObjectStoreWithinDeadline:
    """Checks `deadline` before each call; all else passes through."""

    def __init__(self, store: ObjectStore, deadline: Deadline) -> None:
        self.name = store.name
        self._store = store
        self._deadline = deadline

    def require_private(self) -> None:
        self._deadline.check()
        self._store.require_private()

    def spool(self, key: str) -> BinaryIO:
        self._deadline.check()
        return self._store.spool(key)

    def put(self, key: str, content: BinaryIO) -> None:
        self._deadline.check()
        self._store.put(key, content)

    def replace(self, key: str, content: BinaryIO) -> None:
        self._deadline.check()
        self._store.replace(key, content)

    def read(self, key: str) -> AbstractContextManager[Iterator[bytes]]:
        self._deadline.check()
        return self._store.read(key)

    def list(self, prefix: str) -> Iterator[StoredObject]:
        self._deadline.check()
        for stored in self._store.list(prefix):
            # a page of a long listing may have been fetched for it
            self._deadline.check()
            yield stored

    def delete(self, key: str) -> None:
        self._deadline.check()
        self._store.delete(key)

    def delete_all(self, keys: Sequence[str]) -> dict[str, StorageError]:
        self._deadline.check()
        return self._store.delete_all(keys)

    def erase_all(self, keys: Sequence[str]) -> dict[str, StorageError]:
        self._deadline.check()
        return self._store.erase_all(keys)

    def signed_url(self, key: str, expires_in_seconds: int) -> str:
        self._deadline.check()
        return self._store.signed_url(key, expires_in_seconds)
