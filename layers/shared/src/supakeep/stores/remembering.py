"""An object store whose small objects are read once, as long as a listing shows them unchanged."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Lock
from typing import BinaryIO

from supakeep.domain.audit_log import AUDIT_FOLDER
from supakeep.domain.backup_name import MANIFEST_SUFFIX, PIN_SUFFIX
from supakeep.domain.ledger import LEDGER_FOLDER
from supakeep.errors import StorageError
from supakeep.ports import ForwardingObjectStore, ObjectStore, StoredObject

# some four thousand manifests of five tables
_MOST_BYTES = 16 * 1024 * 1024


class ManifestMemory:
    """Manifests of one store, each with what a listing said of it when it was read. The ones that were
    used last are kept, as far as `most_bytes` go.
    """

    def __init__(self, most_bytes: int = _MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._bytes = 0
        self._kept: OrderedDict[StoredObject, bytes] = OrderedDict()
        self._lock = Lock()

    def get(self, stored: StoredObject) -> bytes | None:
        with self._lock:
            content = self._kept.get(stored)
            if content is not None:
                self._kept.move_to_end(stored)
            return content

    def keep(self, stored: StoredObject, content: bytes) -> None:
        with self._lock:
            self._bytes += len(content) - len(self._kept.pop(stored, b""))
            self._kept[stored] = content
            while self._bytes > self._most_bytes:
                _, oldest = self._kept.popitem(last=False)
                self._bytes -= len(oldest)


class RememberingObjectStore(ForwardingObjectStore):
    """Serves a manifest, a pin or an entry of the ledger from `memory` where the last listing shows it with
    the size and the time that it had when it was read. Whatever was not listed first is read from the
    store.
    """

    def __init__(self, store: ObjectStore, memory: ManifestMemory) -> None:
        super().__init__(store)
        self._memory = memory
        self._listed: dict[str, StoredObject] = {}

    def put(self, key: str, content: BinaryIO) -> None:
        self._listed.pop(key, None)
        self._store.put(key, content)

    def replace(self, key: str, content: BinaryIO) -> None:
        self._listed.pop(key, None)
        self._store.replace(key, content)

    @contextmanager
    def read(self, key: str) -> Iterator[Iterator[bytes]]:
        stored = self._listed.get(key)
        content = None if stored is None else self._memory.get(stored)
        if content is not None:
            yield iter([content])
            return
        with self._store.read(key) as pieces:
            yield pieces if stored is None else self._remembered(stored, pieces)

    def list(self, prefix: str) -> Iterator[StoredObject]:
        for stored in self._store.list(prefix):
            if _is_small(stored.key):
                self._listed[stored.key] = stored
            yield stored

    def delete(self, key: str) -> None:
        self._listed.pop(key, None)
        self._store.delete(key)

    def delete_all(self, keys: Sequence[str]) -> dict[str, StorageError]:
        for key in keys:
            self._listed.pop(key, None)
        return self._store.delete_all(keys)

    def erase_all(self, keys: Sequence[str]) -> dict[str, StorageError]:
        for key in keys:
            self._listed.pop(key, None)
        return self._store.erase_all(keys)

    def _remembered(self, stored: StoredObject, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """The pieces, which are kept once all of them were read and have the size that was listed."""
        content = bytearray()
        for piece in pieces:
            # a manifest that is not one may have any size
            if len(content) <= stored.size_bytes:
                content += piece
            yield piece
        if len(content) == stored.size_bytes:
            self._memory.keep(stored, bytes(content))


def _is_small(key: str) -> bool:
    return key.endswith((MANIFEST_SUFFIX, PIN_SUFFIX)) or key.startswith(
        (f"{LEDGER_FOLDER}/", f"{AUDIT_FOLDER}/")
    )
