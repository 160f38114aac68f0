"""Object stores that fail, cut short or flip bits, around one that does not."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Event
from typing import BinaryIO

from supakeep.errors import StorageError, StorageUnavailableError, SupakeepError
from supakeep.ports import ForwardingObjectStore, ObjectStore, StoredObject
from supakeep.stores.deletion import delete_each
from tests.fakes.object_store import pieces_of


class TruncatingObjectStore(ForwardingObjectStore):
    """Gives the first `keep_bytes` of the object `key` and ends there, as a cut file does."""

    def __init__(self, store: ObjectStore, key: str, keep_bytes: int) -> None:
        super().__init__(store)
        self._key = key
        self._keep_bytes = keep_bytes

    @contextmanager
    def read(self, key: str) -> Iterator[Iterator[bytes]]:
        with self._store.read(key) as pieces:
            if key != self._key:
                yield pieces
            else:
                yield pieces_of(b"".join(pieces)[: self._keep_bytes], 7)


class BitFlippingObjectStore(ForwardingObjectStore):
    """Gives the object `key` with one bit of its byte `offset` flipped."""

    def __init__(self, store: ObjectStore, key: str, offset: int, *, bit: int = 0) -> None:
        super().__init__(store)
        self._key = key
        self._offset = offset
        self._bit = bit

    @contextmanager
    def read(self, key: str) -> Iterator[Iterator[bytes]]:
        with self._store.read(key) as pieces:
            if key != self._key:
                yield pieces
            else:
                content = bytearray(b"".join(pieces))
                content[self._offset] ^= 1 << self._bit
                yield pieces_of(bytes(content), 7)


PAGE = b"<!doctype html><title>Sign in</title>"


class DamagingObjectStore(ForwardingObjectStore):
    """Answers that it has taken an object whose key has `key_part` in it, and keeps `instead`."""

    def __init__(self, store: ObjectStore, key_part: str, instead: bytes = PAGE) -> None:
        super().__init__(store)
        self._key_part = key_part
        self._instead = instead

    def put(self, key: str, content: BinaryIO) -> None:
        super().put(key, io.BytesIO(self._instead) if self._key_part in key else content)


class HangingObjectStore(ForwardingObjectStore):
    """Gives no answer about keys that begin with `prefix` until `released` is set."""

    def __init__(self, store: ObjectStore, prefix: str, released: Event) -> None:
        super().__init__(store)
        self._prefix = prefix
        self._released = released

    def put(self, key: str, content: BinaryIO) -> None:
        self._hang(key)
        super().put(key, content)

    @contextmanager
    def read(self, key: str) -> Iterator[Iterator[bytes]]:
        self._hang(key)
        with super().read(key) as pieces:
            yield pieces

    def list(self, prefix: str) -> Iterator[StoredObject]:
        self._hang(prefix)
        return super().list(prefix)

    def _hang(self, key: str) -> None:
        if key.startswith(self._prefix):
            self._released.wait()


class FailingObjectStore(ForwardingObjectStore):
    """Fails `operation` (`put`, `replace`, `read`, `list`, `delete`) from its `nth` call on.

    `times` calls fail, all further ones where None. A failing listing gives `entries_before_failure`
    entries first. With `key_part`, only calls for keys that contain it are counted.
    """

    def __init__(
        self,
        store: ObjectStore,
        operation: str,
        *,
        nth: int = 1,
        times: int | None = None,
        error: SupakeepError | None = None,
        key_part: str = "",
        entries_before_failure: int = 0,
    ) -> None:
        super().__init__(store)
        self._operation = operation
        self._failing = range(nth, nth + times) if times else range(nth, 1_000_000)
        self._error = error
        self._key_part = key_part
        self._entries_before_failure = entries_before_failure
        self._calls = 0

    def put(self, key: str, content: BinaryIO) -> None:
        self._count("put", key)
        super().put(key, content)

    def replace(self, key: str, content: BinaryIO) -> None:
        self._count("replace", key)
        super().replace(key, content)

    @contextmanager
    def read(self, key: str) -> Iterator[Iterator[bytes]]:
        self._count("read", key)
        with super().read(key) as pieces:
            yield pieces

    def list(self, prefix: str) -> Iterator[StoredObject]:
        listed = super().list(prefix)
        try:
            self._count("list", prefix)
        except SupakeepError:
            for _ in range(self._entries_before_failure):
                yield next(listed)
            raise
        yield from listed

    def delete(self, key: str) -> None:
        self._count("delete", key)
        super().delete(key)

    def delete_all(self, keys: Sequence[str]) -> dict[str, StorageError]:
        return delete_each(self.delete, keys)

    def erase_all(self, keys: Sequence[str]) -> dict[str, StorageError]:
        return self.delete_all(keys)

    def _count(self, operation: str, key: str) -> None:
        if operation != self._operation or self._key_part not in key:
            return
        self._calls += 1
        if self._calls in self._failing:
            raise self._error or StorageUnavailableError(
                f"{self.name} did not answer", operation=operation, key=key
            )
