"""Store a backup's definitions: what pg_dump makes of the same snapshot, as one object."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass

from supakeep.archive.encoding import Encoding
from supakeep.archive.upload import BackupUpload
from supakeep.archive.volume import EncodedVolume, FillingVolume, PlainVolume
from supakeep.domain.backup_name import BackupName
from supakeep.domain.manifest import Definitions
from supakeep.domain.manifest_parts import VolumeEntry
from supakeep.domain.run import problem_of
from supakeep.errors import DatabaseError, ExportError
from supakeep.ports import Deadline, Snapshot

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class StoreDefinitions:
    """Stores them as the backup's volumes are stored, after those."""

    upload: BackupUpload
    name: BackupName
    encoding: Encoding
    max_object_bytes: int
    deadline: Deadline

    def __call__(self, snapshot: Snapshot) -> Definitions:
        """A backup without definitions is better than none: what the database refuses is told."""
        try:
            return Definitions(stored=self._store(snapshot))
        except DatabaseError as exc:
            log.warning(exc.message, exc_info=True)
            return Definitions(problem=problem_of(exc))

    def _store(self, snapshot: Snapshot) -> VolumeEntry:
        spool = self.upload.spool(self.name.definitions_key)
        with ThreadPoolExecutor(1, "supakeep-encode") as pool:
            plain = self.encoding.is_plain
            volume: FillingVolume = (
                PlainVolume(spool) if plain else EncodedVolume(spool, self.encoding, pool)
            )
            with closing(volume):
                self._fill(volume, snapshot)
                entry = volume.entry(f"{self.name.definitions_key}{self.encoding.suffix}")
                self.upload.put(entry, volume.spool)
        return entry

    def _fill(self, volume: FillingVolume, snapshot: Snapshot) -> None:
        most = self.encoding.document_bytes_within(self.max_object_bytes)
        with closing(snapshot.definitions()) as pieces:
            for piece in pieces:
                self.deadline.check()
                if volume.size + len(piece) > most:
                    raise _too_large(most)
                volume.write(memoryview(piece))
        volume.end()


def _too_large(most: int) -> ExportError:
    return ExportError(
        f"The definitions are not in this backup: they take more than {most:,} bytes",
        operation="export definitions",
        key="MAX_OBJECT_BYTES",
        hint="Raise MAX_OBJECT_BYTES: definitions are stored in one object.",
    )
