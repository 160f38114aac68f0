"""Store a backup's definitions: what pg_dump makes of the same snapshot, as one object."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass

from supakeep.archive.definitions_digest import DefinitionsDigest
from supakeep.archive.encoding import Encoding
from supakeep.archive.upload import BackupUpload
from supakeep.archive.volume import EncodedVolume, FillingVolume, PlainVolume
from supakeep.domain.backup_name import BackupName
from supakeep.domain.definitions_record import DefinitionsRecord, record_definitions
from supakeep.domain.manifest import Definitions
from supakeep.domain.manifest_parts import VolumeEntry
from supakeep.domain.run import problem_of
from supakeep.errors import DatabaseError, ExportError
from supakeep.ports import Deadline, Snapshot

log = logging.getLogger(__name__)

_MOST_RECORDED_BYTES = 16 * 1024 * 1024
"""They are held in memory while they are recorded; a project of 2,000 tables has a tenth of it."""


@dataclass(frozen=True)
class StoreDefinitions:
    """Stores them as the backup's volumes are stored, after those, and records their objects."""

    upload: BackupUpload
    name: BackupName
    encoding: Encoding
    max_object_bytes: int
    deadline: Deadline
    digest: DefinitionsDigest

    def __call__(self, snapshot: Snapshot, before: DefinitionsRecord | None) -> Definitions:
        """A backup without definitions is better than none: what the database refuses is told. The record
        of the backup `before` is kept then, for the next one to compare with.
        """
        text = bytearray()
        try:
            stored = self._store(snapshot, text)
            return Definitions(stored=stored, record=self._record(text))
        except DatabaseError as exc:
            log.warning(exc.message, exc_info=True)
            return Definitions(problem=problem_of(exc), record=before)

    def _record(self, text: bytearray) -> DefinitionsRecord | None:
        if len(text) > _MOST_RECORDED_BYTES:
            log.warning(
                "The definitions are too large to be compared with those of the next backup"
            )
            return None
        sql = text.decode(errors="replace")
        return record_definitions(self.name.text, sql, self.digest.of, self.digest.key_id)

    def _store(self, snapshot: Snapshot, text: bytearray) -> VolumeEntry:
        spool = self.upload.spool(self.name.definitions_key)
        with ThreadPoolExecutor(1, "supakeep-encode") as pool:
            plain = self.encoding.is_plain
            volume: FillingVolume = (
                PlainVolume(spool) if plain else EncodedVolume(spool, self.encoding, pool)
            )
            with closing(volume):
                self._fill(volume, snapshot, text)
                entry = volume.entry(f"{self.name.definitions_key}{self.encoding.suffix}")
                self.upload.put(entry, volume.spool)
        return entry

    def _fill(self, volume: FillingVolume, snapshot: Snapshot, text: bytearray) -> None:
        most = self.encoding.document_bytes_within(self.max_object_bytes)
        with closing(snapshot.definitions()) as pieces:
            for piece in pieces:
                self.deadline.check()
                if volume.size + len(piece) > most:
                    raise _too_large(most)
                volume.write(memoryview(piece))
                if len(text) <= _MOST_RECORDED_BYTES:
                    text += piece
        volume.end()


def _too_large(most: int) -> ExportError:
    return ExportError(
        f"The definitions are not in this backup: they take more than {most:,} bytes",
        operation="export definitions",
        key="MAX_OBJECT_BYTES",
        hint="Raise MAX_OBJECT_BYTES: definitions are stored in one object.",
    )
