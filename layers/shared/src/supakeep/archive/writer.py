"""Cuts a document into volumes and stores them."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from types import TracebackType
from typing import BinaryIO, Protocol, Self

from supakeep.archive.encoding import PLAIN, Encoding
from supakeep.archive.volume import EncodedVolume, FillingVolume, PlainVolume
from supakeep.domain.manifest_parts import VolumeEntry


class VolumeTaker(Protocol):
    """Where volumes go: into the stores of a backup."""

    def spool(self, key: str) -> BinaryIO:
        """An empty file for the content of an object in this key's folder."""
        ...

    def put(self, volume: VolumeEntry, content: BinaryIO) -> None:
        """Stores one volume."""
        ...


class VolumeWriter:
    """A byte sink that ends a volume exactly every so many bytes: `max_object_bytes`, or fewer where
    volumes are encoded, so that no object is larger whatever the rows are.

    A volume is spooled to the disk that its store prefers while it fills, hashed as it passes, and
    stored while the next one fills. The first spool is made for the first byte. What fits into one
    object is stored under `key` and the encoding's suffix, without a number, unless
    numbers begin with `first_number`, as they do where those before are taken. The context waits for what is
    under way and removes the spools.
    """

    def __init__(
        self,
        upload: VolumeTaker,
        key: str,
        max_object_bytes: int,
        encoding: Encoding = PLAIN,
        *,
        first_number: int | None = None,
    ) -> None:
        self._upload = upload
        self._key = key
        self._encoding = encoding
        self._max_bytes = encoding.document_bytes_within(max_object_bytes)
        self._entries: list[VolumeEntry] = []
        self._number = 1
        self._first_number = first_number
        self._volume: FillingVolume | None = None
        self._storing: Future[None] | None = None
        # one thread each: no more than two spools, and no volume after one that failed
        self._pool = ThreadPoolExecutor(1, "supakeep-store")
        self._encoders = ThreadPoolExecutor(1, "supakeep-encode")

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
            self._volume.close()
        self._encoders.shutdown()

    @property
    def position(self) -> tuple[int, int]:
        """Where the next byte goes: the volume's number (from 1) and the offset in it."""
        size = 0 if self._volume is None else self._volume.size
        return (self._number + 1, 0) if size == self._max_bytes else (self._number, size)

    def write(self, content: bytes) -> None:
        view = memoryview(content)
        while view:
            volume = self._filling()
            if volume.size == self._max_bytes:
                self._store(volume, self._numbered)
                volume = self._filling()
            piece = view[: self._max_bytes - volume.size]
            volume.write(piece)
            view = view[len(piece) :]

    def finish(self) -> tuple[VolumeEntry, ...]:
        """Stores what is left and returns all volumes in order."""
        single = f"{self._key}{self._encoding.suffix}"
        is_single = self._number == 1 and self._first_number is None
        self._store(self._filling(), single if is_single else self._numbered)
        self._wait()
        return tuple(self._entries)

    @property
    def _numbered(self) -> str:
        number = self._number + (self._first_number or 1) - 1
        return f"{self._key}{self._encoding.suffix}.{number:03d}"

    def _filling(self) -> FillingVolume:
        if self._volume is None:
            spool = self._upload.spool(self._key)
            self._volume = (
                PlainVolume(spool)
                if self._encoding.is_plain
                else EncodedVolume(spool, self._encoding, self._encoders)
            )
        return self._volume

    def _store(self, volume: FillingVolume, key: str) -> None:
        volume.end()
        self._wait()
        self._storing = self._pool.submit(copy_context().run, self._put, key, volume)
        self._number += 1
        self._volume = None

    def _put(self, key: str, volume: FillingVolume) -> None:
        try:
            entry = volume.entry(key)
            self._upload.put(entry, volume.spool)
        finally:
            volume.close()
        self._entries.append(entry)

    def _wait(self) -> None:
        """Raises what the store said of the volume before."""
        if self._storing is not None:
            self._storing.result()
