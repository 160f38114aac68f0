"""An object store in memory."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import BinaryIO

from supakeep.errors import (
    BucketNotFoundError,
    ObjectAlreadyExistsError,
    ObjectNotFoundError,
    StorageError,
)
from supakeep.ports import Clock, StoredObject
from supakeep.stores.deletion import delete_each
from supakeep.system import temporary_file
from tests.fakes.time import FixedClock


class InMemoryObjectStore:
    """Holds its objects in `objects`; `has_bucket` may be switched off, `is_public` on.

    Reads give pieces of `piece_bytes`.
    """

    def __init__(
        self, name: str = "primary", *, clock: Clock | None = None, piece_bytes: int = 7
    ) -> None:
        self.name = name
        self.has_bucket = True
        self.is_public = False
        self.objects: dict[str, bytes] = {}
        self._modified_at: dict[str, dt.datetime] = {}
        self._clock = clock or FixedClock()
        self._piece_bytes = piece_bytes

    def place(self, key: str, content: bytes, *, modified_at: dt.datetime | None = None) -> None:
        """Puts an object there as if it had been written at `modified_at`; overwrites."""
        self.objects[key] = content
        self._modified_at[key] = modified_at or self._clock.now()

    @property
    def of_backups(self) -> dict[str, bytes]:
        """The objects of backups, without the audit log beside them."""
        return {key: content for key, content in self.objects.items() if key.startswith("daily/")}

    def require_private(self) -> None:
        self._require_bucket("upload", self.name)
        if self.is_public:
            raise StorageError("The bucket is public", operation="upload", key=self.name)

    def spool(self, key: str) -> BinaryIO:  # noqa: ARG002 (the port's)
        return temporary_file()

    def put(self, key: str, content: BinaryIO) -> None:
        self._require_bucket("upload", key)
        if key in self.objects:
            raise ObjectAlreadyExistsError(f"{key} exists", operation="upload", key=key)
        self.place(key, content.read())

    def replace(self, key: str, content: BinaryIO) -> None:
        self._require_bucket("upload", key)
        self.place(key, content.read())

    @contextmanager
    def read(self, key: str) -> Iterator[Iterator[bytes]]:
        self._require_bucket("download", key)
        if key not in self.objects:
            raise ObjectNotFoundError(f"{key} is not there", operation="download", key=key)
        yield pieces_of(self.objects[key], self._piece_bytes)

    def list(self, prefix: str) -> Iterator[StoredObject]:
        self._require_bucket("list", prefix)
        for key in sorted(self.objects):
            if key.startswith(prefix) and key in self.objects:
                yield StoredObject(key, len(self.objects[key]), self._modified_at[key])

    def delete(self, key: str) -> None:
        self._require_bucket("delete", key)
        self.objects.pop(key, None)

    def delete_all(self, keys: Sequence[str]) -> dict[str, StorageError]:
        return delete_each(self.delete, keys)

    def erase_all(self, keys: Sequence[str]) -> dict[str, StorageError]:
        return self.delete_all(keys)

    def signed_url(self, key: str, expires_in_seconds: int) -> str:
        return f"https://{self.name}.example/{key}?expires={expires_in_seconds}"

    def _require_bucket(self, operation: str, key: str) -> None:
        if not self.has_bucket:
            upload = operation == "upload"
            raise BucketNotFoundError(
                "Upload failed: Storage bucket not found" if upload else "Storage bucket not found",
                operation=operation,
                key=key,
                hint="Run what `supakeep migration` prints.",
            )


def pieces_of(content: bytes, size: int) -> Iterator[bytes]:
    """`content` cut into pieces of `size` bytes."""
    for start in range(0, len(content), size):
        yield content[start : start + size]
