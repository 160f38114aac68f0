"""Object stores that hold backups."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import BinaryIO, Protocol

from supakeep.errors import StorageError


@dataclass(frozen=True)
class StoredObject:
    """An object in a listing; `modified_at` is aware."""

    key: str
    size_bytes: int
    modified_at: dt.datetime


class ObjectStore(Protocol):
    """Write-once objects under keys with `/`.

    Raises ObjectNotFoundError, BucketNotFoundError, ObjectAlreadyExistsError,
    StoragePermissionError, and StorageUnavailableError where nothing of these is known.
    `name` says which copy this is (`primary`, `mirror`, a folder's path).
    """

    name: str

    def require_private(self) -> None:
        """Asked before a backup. Raises StorageError where the store is known to give its objects to
        those who have no key, BucketNotFoundError where it is known to be missing.
        """
        ...

    def spool(self, key: str) -> BinaryIO:
        """An empty file to fill and then `put`, under this key or another one of its folder. It lies
        where the store takes it with the least copying. Closing it leaves nothing but the object.
        """
        ...

    def put(self, key: str, content: BinaryIO) -> None:
        """Stores `content`, a file that stands at its first byte, all or nothing; an existing key is
        never overwritten.
        """
        ...

    def replace(self, key: str, content: BinaryIO) -> None:
        """Stores `content` as `put` does, in place of what is there, if anything is: whoever reads gets
        the one or the other whole, and never nothing. Only for a manifest whose backup is erased from.
        Raises ObjectLockedError as `delete` does.
        """
        ...

    def read(self, key: str) -> AbstractContextManager[Iterator[bytes]]:
        """The object's bytes in pieces; closing early is allowed. Cut short, it raises
        StorageUnavailableError and never just ends.
        """
        ...

    def list(self, prefix: str) -> Iterator[StoredObject]:
        """Every object whose key starts with `prefix`, in the order of keys. A missing bucket
        raises BucketNotFoundError: an empty listing means that there is nothing.
        """
        ...

    def delete(self, key: str) -> None:
        """Removes the object. That it is gone already is not an error. Raises ObjectLockedError where
        the store keeps it for a time that is not over.
        """
        ...

    def delete_all(self, keys: Sequence[str]) -> dict[str, StorageError]:
        """Removes these objects, with as few requests as the store allows, in no order. Returns what is
        still there, or may be, with the reason; it raises no StorageError.
        """
        ...

    def erase_all(self, keys: Sequence[str]) -> dict[str, StorageError]:
        """As `delete_all`, and with what can be brought back of them: where the store keeps versions, all of
        these go too. A key of which a version is left is among those that are returned.
        """
        ...

    def signed_url(self, key: str, expires_in_seconds: int) -> str:
        """An address that serves the object without a key until it expires, as a file that a browser
        saves. Raises InvalidRequestError where the store cannot make one.
        """
        ...
