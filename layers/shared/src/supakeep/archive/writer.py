"""Cuts a document into volumes and stores them."""

from __future__ import annotations

import hashlib
import tempfile
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from types import TracebackType
from typing import BinaryIO, Self, cast

from supakeep.archive.upload import MirroredUpload
from supakeep.domain.backup_name import BackupName
from supakeep.domain.manifest import VolumeEntry


class VolumeWriter:
    """A byte sink that ends a volume exactly every `max_bytes`.

    A volume is spooled to disk while it fills and hashed as it passes, and stored while the next
    one fills. A document that fits into one object is stored under its plain name, without a number.
    The context waits for what is under way and removes the spool files.
    """

    def __init__(self, upload: MirroredUpload, name: BackupName, max_bytes: int) -> None:
        self._upload = upload
        self._name = name
        self._max_bytes = max_bytes
        self._entries: list[VolumeEntry] = []
        self._storing: Future[None] | None = None
        self._pool = ThreadPoolExecutor(1, "supakeep-store")
        self._begin()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._pool.shutdown()
        self._spool.close()

    @property
    def position(self) -> tuple[int, int]:
        """Where the next byte goes: the volume's number (from 1) and the offset in it."""
        if self._size == self._max_bytes:
            return len(self._entries) + 2, 0
        return len(self._entries) + 1, self._size

    def write(self, content: bytes) -> None:
        view = memoryview(content)
        while view:
            if self._size == self._max_bytes:
                self._store(self._name.volume_key(len(self._entries) + 1))
                self._begin()
            piece = view[: self._max_bytes - self._size]
            self._spool.write(piece)
            self._hash.update(piece)
            self._size += len(piece)
            view = view[len(piece) :]

    def finish(self) -> tuple[VolumeEntry, ...]:
        """Stores what is left and returns all volumes in order."""
        number = len(self._entries) + 1
        self._store(self._name.document_key if number == 1 else self._name.volume_key(number))
        self._wait()
        return tuple(self._entries)

    def _begin(self) -> None:
        self._spool = cast(BinaryIO, tempfile.TemporaryFile(prefix="supakeep-volume-"))  # noqa: SIM115
        self._hash = hashlib.sha256()
        self._size = 0

    def _store(self, key: str) -> None:
        # one at a time: no more than two spool files, and no volume after one that failed
        self._wait()
        self._entries.append(VolumeEntry(key=key, bytes=self._size, sha256=self._hash.hexdigest()))
        self._storing = self._pool.submit(copy_context().run, self._upload_spool, key, self._spool)

    def _upload_spool(self, key: str, spool: BinaryIO) -> None:
        with spool:
            spool.flush()
            self._upload.put(key, spool)

    def _wait(self) -> None:
        """Raises what the store said of the volume before."""
        if self._storing is not None:
            self._storing.result()
