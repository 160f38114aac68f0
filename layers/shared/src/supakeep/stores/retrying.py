"""An object store that tries again where trying again can help."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import BinaryIO, TypeVar

from supakeep.errors import ObjectAlreadyExistsError, StorageError, SupakeepError
from supakeep.ports import ObjectStore, StoredObject
from supakeep.retries import OUTAGE_SECONDS, retrying

T = TypeVar("T")


class RetryingObjectStore:
    """Repeats what failed with a retryable error, with growing pauses; all else passes through."""

    def __init__(
        self,
        store: ObjectStore,
        *,
        give_up_after_seconds: float = OUTAGE_SECONDS,
        first_pause_seconds: float = 0.5,
        sleep: Callable[[float], object] | None = None,
    ) -> None:
        self.name = store.name
        self._store = store
        self._give_up_after_seconds = give_up_after_seconds
        self._first_pause_seconds = first_pause_seconds
        self._sleep = sleep

    def require_private(self) -> None:
        self._retrying(self._store.require_private)

    def spool(self, key: str) -> BinaryIO:
        return self._store.spool(key)

    def put(self, key: str, content: BinaryIO) -> None:
        start = content.tell()
        failed_before = False

        def attempt() -> None:
            nonlocal failed_before
            content.seek(start)
            try:
                self._store.put(key, content)
            except ObjectAlreadyExistsError:
                # the attempt before may have arrived, and only its answer been lost
                if not (failed_before and self._holds(key, content, start)):
                    raise
            except SupakeepError as exc:
                failed_before = exc.retryable
                raise

        self._retrying(attempt)

    def replace(self, key: str, content: BinaryIO) -> None:
        start = content.tell()

        def attempt() -> None:
            content.seek(start)
            self._store.replace(key, content)

        self._retrying(attempt)

    @contextmanager
    def read(self, key: str) -> Iterator[Iterator[bytes]]:
        # only the opening is repeated: bytes that were handed on cannot be taken back
        with ExitStack() as opened:
            yield self._retrying(lambda: opened.enter_context(self._store.read(key)))

    def list(self, prefix: str) -> Iterator[StoredObject]:
        return iter(self._retrying(lambda: list(self._store.list(prefix))))

    def delete(self, key: str) -> None:
        self._retrying(lambda: self._store.delete(key))

    def delete_all(self, keys: Sequence[str]) -> dict[str, StorageError]:
        return self._removing(self._store.delete_all, keys)

    def erase_all(self, keys: Sequence[str]) -> dict[str, StorageError]:
        return self._removing(self._store.erase_all, keys)

    def _removing(
        self, remove: Callable[[Sequence[str]], dict[str, StorageError]], keys: Sequence[str]
    ) -> dict[str, StorageError]:
        left: dict[str, StorageError] = {}
        again = list(keys)

        def attempt() -> None:
            nonlocal again
            failures = remove(again)
            again = [key for key, error in failures.items() if error.retryable]
            left.update((k, error) for k, error in failures.items() if not error.retryable)
            if again:
                raise failures[again[0]]

        try:
            self._retrying(attempt)
        except StorageError as exc:
            left.update(dict.fromkeys(again, exc))
        return left

    def signed_url(self, key: str, expires_in_seconds: int) -> str:
        return self._retrying(lambda: self._store.signed_url(key, expires_in_seconds))

    def _holds(self, key: str, content: BinaryIO, start: int) -> bool:
        """Whether the object is byte for byte what was to be written."""
        content.seek(start)
        with self._store.read(key) as pieces:
            same = all(content.read(len(piece)) == piece for piece in pieces)
        return same and not content.read(1)

    def _retrying(self, attempt: Callable[[], T]) -> T:
        repeat = retrying(
            first_pause_seconds=self._first_pause_seconds,
            give_up_after_seconds=self._give_up_after_seconds,
            sleep=self._sleep,
        )
        return repeat(attempt)
