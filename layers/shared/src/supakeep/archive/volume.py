"""The volume that fills: its content on the way into the file that is stored."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from concurrent.futures import Executor
from contextvars import copy_context
from queue import Queue
from typing import BinaryIO, Protocol

from supakeep.archive.encoding import Encoding
from supakeep.domain.manifest_parts import VolumeEntry

_BATCH_BYTES = 1024 * 1024
_MOST_BATCHES = 2


class FillingVolume(Protocol):
    """`size` is what it holds of the document, in bytes."""

    size: int
    spool: BinaryIO

    def write(self, piece: memoryview) -> None:
        """`piece` must not change afterwards."""
        ...

    def end(self) -> None:
        """Nothing more is written."""
        ...

    def entry(self, key: str) -> VolumeEntry:
        """Waits until the spool is whole, and raises what kept it from being so."""
        ...

    def close(self) -> None:
        """Removes the spool."""
        ...


class PlainVolume:
    """Its spool is its part of the document."""

    def __init__(self, spool: BinaryIO) -> None:
        self.spool = spool
        self.size = 0
        self._sink = HashedSpool(spool)

    def write(self, piece: memoryview) -> None:
        self._sink.write(piece)
        self.size += len(piece)

    def end(self) -> None:
        """Everything is in the spool."""

    def entry(self, key: str) -> VolumeEntry:
        return VolumeEntry(key=key, bytes=self._sink.size, sha256=self._sink.sha256)

    def close(self) -> None:
        self.spool.close()


class EncodedVolume:
    """Compressed and encrypted in a thread of `pool`, while the next rows are read. The spool never
    holds anything else, and what waits for the thread is limited.
    """

    def __init__(self, spool: BinaryIO, encoding: Encoding, pool: Executor) -> None:
        self.spool = spool
        self.size = 0
        self._sink = HashedSpool(spool)
        self._batch: list[memoryview] = []
        self._batch_bytes = 0
        self._waiting: Queue[list[memoryview] | None] = Queue(_MOST_BATCHES)
        self._has_ended = False
        self._encoding = pool.submit(copy_context().run, self._encode, encoding)

    def write(self, piece: memoryview) -> None:
        self._batch.append(piece)
        self._batch_bytes += len(piece)
        self.size += len(piece)
        if self._batch_bytes >= _BATCH_BYTES:
            self._hand_over()

    def end(self) -> None:
        if not self._has_ended:
            self._has_ended = True
            self._hand_over()
            self._waiting.put(None)

    def entry(self, key: str) -> VolumeEntry:
        self._encoding.result()
        return VolumeEntry(
            key=key, bytes=self._sink.size, sha256=self._sink.sha256, document_bytes=self.size
        )

    def close(self) -> None:
        self.end()
        self._encoding.exception()
        self.spool.close()

    def _hand_over(self) -> None:
        self._waiting.put(self._batch)
        self._batch, self._batch_bytes = [], 0

    def _encode(self, encoding: Encoding) -> None:
        batches = self._batches()
        try:
            encoding.encode(batches, self._sink)
        finally:
            # after a failure, so that the writer is not kept waiting
            for _ in batches:
                pass

    def _batches(self) -> Iterator[bytes]:
        while (batch := self._waiting.get()) is not None:
            yield b"".join(batch)


class HashedSpool:
    """Counts and hashes what goes into a spool."""

    def __init__(self, spool: BinaryIO) -> None:
        self._spool = spool
        self._hash = hashlib.sha256()
        self.size = 0

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()

    def write(self, piece: bytes | memoryview) -> None:
        self._spool.write(piece)
        self._hash.update(piece)
        self.size += len(piece)
