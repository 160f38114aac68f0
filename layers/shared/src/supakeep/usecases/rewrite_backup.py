"""Find the rows of one backup that match, and write its document anew without them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from supakeep.archive.encoding import Encoding
from supakeep.archive.erased_volumes import ErasedVolumes, next_number
from supakeep.archive.layout import split_rows
from supakeep.archive.part_meter import DocumentSink
from supakeep.archive.reader import BackupReader
from supakeep.archive.rewritten_document import DocumentRewriter, RewrittenTable
from supakeep.archive.writer import VolumeWriter
from supakeep.domain.erasure import Erasure
from supakeep.domain.manifest import Manifest, TableEntry, TableStatus
from supakeep.domain.manifest_parts import ErasedRows
from supakeep.domain.restore import matches
from supakeep.errors import ChecksumError, InvalidRequestError
from supakeep.ports import Deadline, ObjectStore


class Nowhere:
    """Takes a document that is only looked through."""

    position = (1, 0)

    def write(self, content: bytes) -> None:
        pass


@dataclass(frozen=True)
class RewriteBackup:
    """The backup of `reader`, from which `erasure` takes rows."""

    reader: BackupReader
    erasure: Erasure
    deadline: Deadline

    def matching(self) -> int:
        """How many rows match. Raises InvalidRequestError where the table lacks a column to choose by."""
        entry = self.reader.manifest.entry(self.erasure.table)
        if entry is None or not entry.rows:
            return 0
        self._require_columns(entry)
        if entry.status is not TableStatus.COMPLETE:
            # only the document itself says where the rows of an incomplete table are
            return self._rewritten(Nowhere())[entry.name].dropped
        self.reader.check_volumes(self.reader.volumes_of([entry]), self.deadline)
        lines = (self.reader.read_part(part) for part in entry.parts)
        return sum(
            self._matches(row) for part in lines for rows in split_rows(part) for row in rows
        )

    def leads_to(self, other: Manifest) -> bool:
        """Whether `other` is this backup without the rows that match."""
        tables = self._rewritten(Nowhere())
        expected = [_contents(self._entry(entry, tables)) for entry in self.reader.manifest.tables]
        return expected == [_contents(entry) for entry in other.tables]

    def __call__(
        self, volumes: ErasedVolumes, stores: Sequence[ObjectStore], max_object_bytes: int
    ) -> Callable[[dt.datetime], Manifest]:
        """Writes the volumes; what is returned makes their manifest."""
        manifest = self.reader.manifest
        with VolumeWriter(
            volumes,
            manifest.name.document_key,
            max_object_bytes,
            Encoding.of_manifest(manifest),
            first_number=next_number(stores, manifest.name),
        ) as writer:
            tables = self._rewritten(writer)
            stored = writer.finish()
        rewritten = {
            "tables": tuple(self._entry(entry, tables) for entry in manifest.tables),
            "volumes": stored,
            "read_back": True,
        }
        return partial(self._manifest, rewritten, tables[self.erasure.table].dropped)

    def _manifest(self, rewritten: Mapping[str, object], rows: int, at: dt.datetime) -> Manifest:
        manifest = self.reader.manifest
        erased = ErasedRows(at=at, table=self.erasure.table, rows=rows)
        update = {**rewritten, "erased": (*manifest.erased, erased), "signature": None}
        return manifest.model_copy(update=update)

    def _rewritten(self, sink: DocumentSink) -> dict[str, RewrittenTable]:
        """Raises ChecksumError where a table has not the rows that the manifest says."""
        manifest = self.reader.manifest
        self.reader.check_volumes(manifest.volumes, self.deadline)
        rewrite = DocumentRewriter(sink, self._drops, hashed=not manifest.recipients)
        tables = rewrite(self._document())
        for entry in manifest.tables:
            found = tables.get(entry.name)
            rows = found.rows + found.dropped if found else 0
            if rows != entry.rows:
                raise ChecksumError(
                    f"{manifest.backup} holds {rows:,} rows of {entry.name}, and its manifest says {entry.rows:,}",
                    operation="erase",
                    key=entry.name,
                    hint="`supakeep verify` says which copy is damaged.",
                )
        return tables

    def _document(self) -> Iterator[bytes]:
        for volume in self.reader.manifest.volumes:
            for piece in self.reader.whole_content(volume):
                self.deadline.check()
                yield piece

    def _drops(self, table: str) -> Callable[[bytes], bool] | None:
        return self._matches if table == self.erasure.table else None

    def _matches(self, row: bytes) -> bool:
        return matches(row, self.erasure.where)

    def _entry(self, entry: TableEntry, tables: Mapping[str, RewrittenTable]) -> TableEntry:
        table = tables.get(entry.name)
        if table is None:
            return entry
        is_whole = entry.status is TableStatus.COMPLETE
        parts = table.parts if is_whole else ()
        return entry.model_copy(update={"rows": table.rows, "bytes": table.bytes, "parts": parts})

    def _require_columns(self, entry: TableEntry) -> None:
        known = {column.name for column in entry.columns}.difference(entry.policy.masked)
        unknown = sorted(set(self.erasure.where) - known)
        if unknown:
            raise InvalidRequestError(
                f"Table {entry.name} has no values of {unknown[0]} in {self.reader.manifest.backup}",
                operation="erase",
                key=entry.name,
                hint="Choose its rows by a column that it has, and that is not masked, or "
                "delete the whole backup (`supakeep delete`).",
            )


def _contents(entry: TableEntry) -> tuple[object, ...]:
    """What can be compared, wherever the parts lie."""
    digests = [part.sha256 for part in entry.parts] if len(entry.parts) == 1 else []
    return entry.name, entry.status, entry.rows, entry.bytes, digests
