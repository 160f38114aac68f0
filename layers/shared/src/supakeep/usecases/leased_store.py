"""An object store that a run writes only as long as it has its lease."""

from __future__ import annotations

from collections.abc import Sequence
from typing import BinaryIO

from supakeep.errors import StorageError
from supakeep.ports import ForwardingObjectStore, Lease, ObjectStore


class LeasedObjectStore(ForwardingObjectStore):
    """Confirms `lease` before each object that is written, and before each deletion; all else passes through."""

    def __init__(self, store: ObjectStore, lease: Lease) -> None:
        super().__init__(store)
        self._lease = lease

    def put(self, key: str, content: BinaryIO) -> None:
        self._lease.confirm()
        self._store.put(key, content)

    def replace(self, key: str, content: BinaryIO) -> None:
        self._lease.confirm()
        self._store.replace(key, content)

    def delete(self, key: str) -> None:
        self._lease.confirm()
        self._store.delete(key)

    def delete_all(self, keys: Sequence[str]) -> dict[str, StorageError]:
        self._lease.confirm()
        return self._store.delete_all(keys)

    def erase_all(self, keys: Sequence[str]) -> dict[str, StorageError]:
        self._lease.confirm()
        return self._store.erase_all(keys)
