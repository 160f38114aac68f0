"""Reads what was stored again, from every store, while the next volumes are on their way."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from dataclasses import dataclass
from threading import Event

from supakeep.archive.stored_object import read_volume
from supakeep.domain.manifest_parts import VolumeEntry
from supakeep.errors import (
    ChecksumError,
    IntegrityError,
    StorageError,
    StorageUnavailableError,
)
from supakeep.ports import Deadline, ObjectStore

log = logging.getLogger(__name__)

_BETWEEN_CHECKS_SECONDS = 1
_HINT = (
    "Back up again. If it happens again, something on the way alters or loses what is stored: look at "
    "proxies and at the store itself."
)


@dataclass(frozen=True)
class _Reading:
    store: ObjectStore
    end: Future[StorageError | IntegrityError | None]


class ReadBack:
    """Reads volumes to the end and compares size and SHA-256, at most `stores` at a time."""

    def __init__(self, deadline: Deadline, stores: int) -> None:
        self._deadline = deadline
        self._abandoned = Event()
        self._readings: list[_Reading] = []
        self._pool = ThreadPoolExecutor(stores, "supakeep-read-back")

    def close(self) -> None:
        """Ends what is still being read."""
        self._abandoned.set()
        self._pool.shutdown(cancel_futures=True)

    def begin(self, store: ObjectStore, volume: VolumeEntry) -> None:
        """Reads the volume, which this store has taken, in a thread."""
        end = self._pool.submit(copy_context().run, self._problem, store, volume)
        self._readings.append(_Reading(store, end))

    def prove(self, store: ObjectStore, key: str, content: bytes) -> None:
        """Reads one more object now. Raises StorageUnavailableError, or ChecksumError where the store
        gives something else than `content`.
        """
        digest = hashlib.sha256(content).hexdigest()
        problem = self._problem(store, VolumeEntry(key=key, bytes=len(content), sha256=digest))
        if problem is not None:
            raise problem

    def problems(self) -> Iterator[tuple[ObjectStore, StorageError | IntegrityError]]:
        """Waits for all of them; what is wrong in which store. Raises DeadlineExceededError."""
        for reading in self._readings:
            while wait([reading.end], _BETWEEN_CHECKS_SECONDS).not_done:
                self._deadline.check()
            problem = reading.end.result()
            if problem is not None:
                yield reading.store, problem

    def _problem(
        self, store: ObjectStore, volume: VolumeEntry
    ) -> StorageError | IntegrityError | None:
        try:
            for _ in read_volume(store, volume):
                if self._abandoned.is_set():
                    break
        except (StorageError, IntegrityError) as exc:
            log.warning("%s could not be read back from %s", volume.key, store.name, exc_info=True)
            return _unproven(store, volume, exc)
        return None


def _unproven(
    store: ObjectStore, volume: VolumeEntry, error: StorageError | IntegrityError
) -> StorageError | IntegrityError:
    kind = ChecksumError if isinstance(error, IntegrityError) else StorageUnavailableError
    return kind(
        f"{volume.key} could not be read back from {store.name}: {error.message}",
        operation="read back",
        key=volume.key,
        hint=_HINT if isinstance(error, IntegrityError) else error.hint or "Back up again.",
    )
