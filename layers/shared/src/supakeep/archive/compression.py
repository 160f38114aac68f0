"""Compressing and decompressing a volume as a stream."""

from __future__ import annotations

import importlib
import sys
import zlib
from collections.abc import Iterator
from types import ModuleType
from typing import Protocol, cast

# zlib writes and reads gzip's header with these window bits
_GZIP = 31
_GZIP_LEVEL, _ZSTD_LEVEL = 6, 3
# 8 MB, which the highest level that a policy takes uses: a forged volume cannot ask for more
_ZSTD_WINDOW_LOG = 23
# a reader has no more than this at once, whatever a compressed piece grows to
_MOST_BYTES = 256 * 1024


class UnreadableError(Exception):
    """Why a volume's bytes are not what its name says, as a clause."""


class _Compressor(Protocol):
    def compress(self, data: bytes, /) -> bytes: ...

    def flush(self) -> bytes: ...


def compressed(pieces: Iterator[bytes], method: str, level: int | None) -> Iterator[bytes]:
    """The pieces as one gzip member or one zstd frame."""
    compressor = _compressor(method, level)
    for piece in pieces:
        if shorter := compressor.compress(piece):
            yield shorter
    yield compressor.flush()


def decompressed(pieces: Iterator[bytes], method: str) -> Iterator[bytes]:
    """What `compressed` was given, in pieces of limited size. Raises UnreadableError for anything but
    one whole gzip member or zstd frame.
    """
    decompressor = _GzipDecompressor() if method == "gzip" else _ZstdDecompressor()
    for piece in pieces:
        if decompressor.is_at_end:
            raise UnreadableError("bytes follow its compressed content")
        yield from decompressor.decompress(piece)
    if not decompressor.is_at_end:
        raise UnreadableError("its compressed content is cut short")


def uncompressed_bytes_within(most: int, method: str) -> int:
    """How much of a document can be compressed into `most` bytes, even if it cannot be compressed.

    zstd stores such bytes in blocks of up to 128 KiB with three bytes each. zlib's own bound depends
    on its build: the fastest method of some uses nine bits for each byte.
    """
    parts, of = {"gzip": (8, 9), "zstd": (256, 257)}[method]
    return (most - 128) * parts // of


def _compressor(method: str, level: int | None) -> _Compressor:
    if method == "gzip":
        return zlib.compressobj(level or _GZIP_LEVEL, zlib.DEFLATED, _GZIP)
    module = _zstd()
    options = {
        module.CompressionParameter.compression_level: level or _ZSTD_LEVEL,
        module.CompressionParameter.checksum_flag: 1,
    }
    return cast(_Compressor, module.ZstdCompressor(options=options))


class _GzipDecompressor:
    def __init__(self) -> None:
        self._member = zlib.decompressobj(_GZIP)

    @property
    def is_at_end(self) -> bool:
        return self._member.eof

    def decompress(self, piece: bytes) -> Iterator[bytes]:
        while True:
            try:
                longer = self._member.decompress(piece, _MOST_BYTES)
            except zlib.error as exc:
                raise UnreadableError("its gzip content is damaged") from exc
            yield longer
            _require_nothing_behind(self._member.unused_data)
            piece = self._member.unconsumed_tail
            # zlib keeps what it has read and not given yet, also where no input is left
            if self._member.eof or (not piece and len(longer) < _MOST_BYTES):
                return


class _ZstdDecompressor:
    def __init__(self) -> None:
        module = _zstd()
        options = {module.DecompressionParameter.window_log_max: _ZSTD_WINDOW_LOG}
        self._frame = module.ZstdDecompressor(options=options)
        self._error = module.ZstdError

    @property
    def is_at_end(self) -> bool:
        return bool(self._frame.eof)

    def decompress(self, piece: bytes) -> Iterator[bytes]:
        while True:
            try:
                longer = self._frame.decompress(piece, _MOST_BYTES)
            except self._error as exc:
                raise UnreadableError("its zstd content is damaged") from exc
            yield longer
            if self._frame.eof:
                _require_nothing_behind(self._frame.unused_data)
                return
            if self._frame.needs_input:
                return
            piece = b""


def _require_nothing_behind(unused: bytes) -> None:
    if unused:
        raise UnreadableError("bytes follow its compressed content")


def _zstd() -> ModuleType:
    """Python's own module, or its backport to Pythons before 3.14; only who uses it loads it."""
    name = "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd"
    return importlib.import_module(name)
