"""Cuts a document into volumes and stores them."""

from __future__ import annotations

import hashlib
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from types import TracebackType
from typing import BinaryIO, Self

from supakeep.archive.upload import BackupUpload
from supakeep.domain.backup_name import BackupName
from supakeep.domain.manifest import VolumeEntry


class _Volume:
    """The volume that fills: its file, its SHA-256 so far and its size in bytes."""

    def __init__(self, spool: BinaryIO) -> None:
        self.spool = spool
        self.hash = hashlib.sha256()
        self.size = 0

    def write(self, piece: memoryview) -> None:
        self.spool.write(piece)
        self.hash.update(piece)
        self.size += len(piece)

    def entry(self, key: str) -> VolumeEntry:
        return VolumeEntry(key=key, bytes=self.size, sha256=self.hash.hexdigest())


class VolumeWriter:
    """A byte sink that ends a volume exactly every `max_bytes`.

    A volume is spooled to the disk that its store prefers while it fills, hashed as it passes, and
    stored while the next one fills. The first spool is made for the first byte. A document that fits
    into one object is stored under its plain name, without a number. The context waits for what is
    under way and removes the spools.
    """

    def __init__(self, upload: BackupUpload, name: BackupName, max_bytes: int) -> None:
        self._upload = upload
        self._name = name
        self._max_bytes = max_bytes
        self._entries: list[VolumeEntry] = []
        self._volume: _Volume | None = None
        self._storing: Future[None] | None = None
        self._pool = ThreadPoolExecutor(1, "supakeep-store")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._pool.shutdown()
        if self._volume is not None:
            self._volume.spool.close()

    @property
    def position(self) -> tuple[int, int]:
        """Where the next byte goes: the volume's number (from 1) and the offset in it."""
        size = 0 if self._volume is None else self._volume.size
        if size == self._max_bytes:
            return len(self._entries) + 2, 0
        return len(self._entries) + 1, size

    def write(self, content: bytes) -> None:
        view = memoryview(content)
        while view:
            volume = self._filling()
            if volume.size == self._max_bytes:
                self._store(volume, self._name.volume_key(len(self._entries) + 1))
                volume = self._filling()
            piece = view[: self._max_bytes - volume.size]
            volume.write(piece)
            view = view[len(piece) :]

    def finish(self) -> tuple[VolumeEntry, ...]:
        """Stores what is left and returns all volumes in order."""
        number = len(self._entries) + 1
        key = self._name.document_key if number == 1 else self._name.volume_key(number)
        self._store(self._filling(), key)
        self._wait()
        return tuple(self._entries)

    def _filling(self) -> _Volume:
        if self._volume is None:
            self._volume = _Volume(self._upload.spool(self._name.document_key))
        return self._volume

    def _store(self, volume: _Volume, key: str) -> None:
        # one at a time: no more than two spools, and no volume after one that failed
        self._wait()
        self._entries.append(volume.entry(key))
        self._storing = self._pool.submit(copy_context().run, self._put, key, volume.spool)
        self._volume = None

    def _put(self, key: str, spool: BinaryIO) -> None:
        with spool:
            self._upload.put(key, spool)

    def _wait(self) -> None:
        """Raises what the store said of the volume before."""
        if self._storing is not None:
            self._storing.result()
