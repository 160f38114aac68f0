"""An object store that is waited for only so long."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import BinaryIO, TypeVar

from supakeep.archive.manifest import manifest_content
from supakeep.errors import StorageUnavailableError
from supakeep.patience import within
from supakeep.ports import ForwardingObjectStore, ObjectStore, StoredObject

T = TypeVar("T")


class PatientObjectStore(ForwardingObjectStore):
    """Gives small objects. All calls together may take `seconds`; what takes longer raises
    StorageUnavailableError, and so does every call after it.
    """

    def __init__(self, store: ObjectStore, seconds: float) -> None:
        super().__init__(store)
        self._seconds = seconds
        self._left = seconds

    def put(self, key: str, content: BinaryIO) -> None:
        self._waiting("upload", key, lambda: self._store.put(key, content))

    def replace(self, key: str, content: BinaryIO) -> None:
        self._waiting("upload", key, lambda: self._store.replace(key, content))

    @contextmanager
    def read(self, key: str) -> Iterator[Iterator[bytes]]:
        yield iter([self._waiting("download", key, lambda: self._content(key))])

    def list(self, prefix: str) -> Iterator[StoredObject]:
        return iter(self._waiting("list", prefix, lambda: list(self._store.list(prefix))))

    def _content(self, key: str) -> bytes:
        with self._store.read(key) as pieces:
            return manifest_content(pieces)

    def _waiting(self, operation: str, key: str, work: Callable[[], T]) -> T:
        begun = time.monotonic()
        try:
            return within(max(0.0, self._left), work)
        except TimeoutError as exc:
            raise StorageUnavailableError(
                f"{self.name} did not answer within {self._seconds:g} seconds",
                operation=operation,
                key=key,
            ) from exc
        finally:
            self._left -= time.monotonic() - begun
