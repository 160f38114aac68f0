"""Writes the row lines of one table and measures them for the manifest."""

from __future__ import annotations

import hashlib
from typing import Protocol

from supakeep.archive.layout import ROW_SEPARATOR
from supakeep.domain.manifest import Part
from supakeep.ports import Rows


class DocumentSink(Protocol):
    """Takes a document's bytes; `position` is the volume and the offset of the next one."""

    @property
    def position(self) -> tuple[int, int]: ...

    def write(self, content: bytes) -> None: ...


class PartMeter:
    """One part: consecutive rows, written as they come. `hashed` is false where their checksum would
    tell something about rows that are encrypted.
    """

    def __init__(self, volumes: DocumentSink, *, hashed: bool = True) -> None:
        self._volumes = volumes
        self._hash = hashlib.sha256() if hashed else None
        self._start: tuple[int, int] | None = None
        self.rows = 0
        self.bytes = 0

    def write(self, rows: Rows) -> None:
        if rows.count == 0:
            return
        if self._start is None:
            self._volumes.write(b"\n")
            self._start = self._volumes.position
        else:
            self._write(ROW_SEPARATOR)
        self._write(rows.lines)
        self.rows += rows.count

    def close(self) -> None:
        """Ends the last row's line."""
        if self._start is not None:
            self._volumes.write(b"\n")

    def parts(self) -> tuple[Part, ...]:
        """Empty for a table without rows."""
        if self._start is None:
            return ()
        volume, offset = self._start
        return (
            Part(
                rows=self.rows,
                bytes=self.bytes,
                sha256=self._hash.hexdigest() if self._hash else None,
                volume=volume,
                offset=offset,
            ),
        )

    def _write(self, content: bytes) -> None:
        if self._hash is not None:
            self._hash.update(content)
        self.bytes += len(content)
        self._volumes.write(content)
