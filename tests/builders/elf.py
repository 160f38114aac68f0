"""What programs and libraries of Linux need: the NEEDED entries of 64-bit ELF files."""

from __future__ import annotations

import struct
from pathlib import Path

_MAGIC = b"\x7fELF\x02\x01"
_PT_LOAD, _PT_DYNAMIC = 1, 2
_DT_NEEDED, _DT_STRTAB = 1, 5


def needed_libraries(file: Path) -> frozenset[str] | None:
    """The names of the libraries that a program or library asks the linker for; None for other files."""
    content = file.read_bytes()
    if not content.startswith(_MAGIC):
        return None
    segments = _segments(content)
    dynamic = next((s for s in segments if s[0] == _PT_DYNAMIC), None)
    if dynamic is None:
        return frozenset()
    _, offset, _, size = dynamic
    entries = list(struct.iter_unpack("<qQ", content[offset : offset + size // 16 * 16]))
    strings = next(value for tag, value in entries if tag == _DT_STRTAB)
    start = _offset_of(strings, segments)
    names = (start + value for tag, value in entries if tag == _DT_NEEDED)
    return frozenset(content[at : content.index(b"\0", at)].decode() for at in names)


def _segments(content: bytes) -> list[tuple[int, int, int, int]]:
    """Of each segment its type, its place in the file and in memory, and its size in the file."""
    (table,) = struct.unpack_from("<Q", content, 32)
    size, count = struct.unpack_from("<HH", content, 54)
    found = []
    for number in range(count):
        kind, _, offset, address, _, length = struct.unpack_from(
            "<IIQQQQ", content, table + number * size
        )
        found.append((kind, offset, address, length))
    return found


def _offset_of(address: int, segments: list[tuple[int, int, int, int]]) -> int:
    return next(
        address - start + offset
        for kind, offset, start, length in segments
        if kind == _PT_LOAD and start <= address < start + length
    )
