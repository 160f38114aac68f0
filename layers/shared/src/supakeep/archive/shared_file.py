"""One file that several uploads read at the same time."""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING, BinaryIO, cast

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


def shared_file(file: BinaryIO) -> BinaryIO:
    """The content of `file` with a position of its own, which starts at the first byte.

    The file must be on the disk, with nothing of it in a buffer. Closing this leaves it open.
    """
    return cast(BinaryIO, io.BufferedReader(_SharedFile(file.fileno())))


class _SharedFile(io.RawIOBase):
    """Reads by `pread`, which does not move the position that the file's descriptors share."""

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        starts = {os.SEEK_SET: 0, os.SEEK_CUR: self._position}
        start = os.fstat(self._descriptor).st_size if whence == os.SEEK_END else starts[whence]
        self._position = start + offset
        return self._position

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        view = memoryview(buffer).cast("B")
        piece = os.pread(self._descriptor, len(view), self._position)
        view[: len(piece)] = piece
        self._position += len(piece)
        return len(piece)
