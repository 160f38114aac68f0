"""A store that could not be opened."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import BinaryIO, NoReturn

from supakeep.errors import StorageError, SupakeepError
from supakeep.ports import StoredObject
from supakeep.stores.deletion import delete_each


class UnopenedObjectStore:
    """Answers each call with `problem`, so that a copy with wrong settings is one that fails."""

    def __init__(self, name: str, problem: SupakeepError) -> None:
        self.name = name
        self._problem = problem

    def require_private(self) -> None:
        self._refuse("upload")

    def spool(self, key: str) -> BinaryIO:
        self._refuse("upload", key)

    def put(self, key: str, content: BinaryIO) -> None:  # noqa: ARG002 (the port's)
        self._refuse("upload", key)

    def replace(self, key: str, content: BinaryIO) -> None:  # noqa: ARG002 (the port's)
        self._refuse("upload", key)

    def read(self, key: str) -> AbstractContextManager[Iterator[bytes]]:
        self._refuse("download", key)

    def list(self, prefix: str) -> Iterator[StoredObject]:
        self._refuse("list", prefix)

    def delete(self, key: str) -> None:
        self._refuse("delete", key)

    def delete_all(self, keys: Sequence[str]) -> dict[str, StorageError]:
        return delete_each(self.delete, keys)

    def erase_all(self, keys: Sequence[str]) -> dict[str, StorageError]:
        return self.delete_all(keys)

    def signed_url(self, key: str, expires_in_seconds: int) -> str:  # noqa: ARG002 (the port's)
        self._refuse("sign", key)

    def _refuse(self, operation: str, key: str | None = None) -> NoReturn:
        problem = self._problem
        raise StorageError(
            problem.message, operation=operation, key=key, hint=problem.hint
        ) from problem
