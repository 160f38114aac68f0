"""Write a document anew without some of its rows; all else stays as it is, byte for byte."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from supakeep.archive.layout import ROW_SEPARATOR
from supakeep.archive.part_meter import DocumentSink, PartMeter
from supakeep.domain.manifest import Part
from supakeep.errors import ChecksumError
from supakeep.ports import Rows

_OPEN_ROWS = b'"rows":['
_MOST_BYTES = 1024 * 1024


@dataclass(frozen=True)
class RewrittenTable:
    """What a table holds now, and how many rows it has no more."""

    rows: int
    bytes: int
    parts: tuple[Part, ...]
    dropped: int


class DocumentRewriter:
    """Writes documents into `sink`. `hashed` is as for PartMeter. `drops` says of a table's name which of its rows
    go; None where all stay.
    """

    def __init__(
        self,
        sink: DocumentSink,
        drops: Callable[[str], Callable[[bytes], bool] | None],
        *,
        hashed: bool,
    ) -> None:
        self._sink = sink
        self._drops = drops
        self._hashed = hashed

    def __call__(self, document: Iterable[bytes]) -> dict[str, RewrittenTable]:
        """The tables that had rows, by name. Raises ChecksumError where the document is not laid out as one."""
        lines = lines_of(document)
        tables: dict[str, RewrittenTable] = {}
        for line in lines:
            if line.startswith(b'"') and line.endswith(_OPEN_ROWS):
                # the line break comes with the first row that stays
                self._sink.write(line)
                name = _name_in(line)
                tables[name] = self._table(name, lines)
            else:
                self._sink.write(line + b"\n")
        return tables

    def _table(self, name: str, lines: Iterator[bytes]) -> RewrittenTable:
        drops, dropped = self._drops(name), 0
        meter = PartMeter(self._sink, hashed=self._hashed)
        batch = _Batch(meter)
        for line in lines:
            if line.startswith(b"]"):
                batch.write()
                meter.close()
                self._sink.write(line + b"\n")
                return RewrittenTable(meter.rows, meter.bytes, meter.parts(), dropped)
            row = line.removesuffix(b",")
            if not row.startswith(b"{"):
                break
            if drops is not None and drops(row):
                dropped += 1
            else:
                batch.add(row)
        raise ChecksumError(
            f"The rows of {name} are not laid out one a line",
            operation="read document",
            key=name,
            hint="The document was changed after it was written; use another copy.",
        )


class _Batch:
    """Rows that are written together."""

    def __init__(self, meter: PartMeter) -> None:
        self._meter = meter
        self._rows: list[bytes] = []
        self._bytes = 0

    def add(self, row: bytes) -> None:
        self._rows.append(row)
        self._bytes += len(row)
        if self._bytes >= _MOST_BYTES:
            self.write()

    def write(self) -> None:
        self._meter.write(Rows(ROW_SEPARATOR.join(self._rows), len(self._rows)))
        self._rows, self._bytes = [], 0


def lines_of(document: Iterable[bytes]) -> Iterator[bytes]:
    """The lines of a document, which comes in pieces of any size, without their line breaks."""
    pending: list[bytes] = []
    for piece in document:
        pending.append(piece)
        if b"\n" in piece:
            *lines, rest = b"".join(pending).split(b"\n")
            pending = [rest]
            yield from lines
    if last := b"".join(pending):
        yield last


def _name_in(head: bytes) -> str:
    name, _ = json.JSONDecoder().raw_decode(head.decode())
    return str(name)
