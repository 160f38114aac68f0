"""Verify a backup: every byte, every checksum, every row."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict

from supakeep.archive.layout import split_rows
from supakeep.archive.reader import BackupReader
from supakeep.domain.json_text import is_json_object
from supakeep.domain.manifest import Part, TableEntry, TableStatus
from supakeep.ports import Deadline, Progress


class VerifyReport(BaseModel):
    """What was read and found right. `warnings` say what is wrong with a copy that another one
    replaced, and which newer backups `latest` passed over.
    """

    model_config = ConfigDict(frozen=True)

    backup: str
    read_from: str
    volumes: int
    bytes: int
    tables: dict[str, int]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class VerifyBackup:
    """Reads a backup from end to end; no database is needed."""

    deadline: Deadline
    progress: Progress

    def __call__(self, reader: BackupReader) -> VerifyReport:
        """Raises ChecksumError, naming the object, at the first thing that no copy has right."""
        manifest = reader.manifest
        reader.check_volumes(manifest.volumes, self.deadline)
        complete = [entry for entry in manifest.tables if entry.status is TableStatus.COMPLETE]
        for entry in complete:
            self._verify_rows(reader, entry)
        return VerifyReport(
            backup=manifest.backup,
            read_from=reader.read_from,
            volumes=len(manifest.volumes),
            bytes=manifest.size_bytes,
            tables={entry.name: entry.rows for entry in complete},
            warnings=(*reader.passed_over, *reader.notices),
        )

    def _verify_rows(self, reader: BackupReader, entry: TableEntry) -> None:
        self.progress.table(entry.name, 0, "running")
        rows = sum(self._rows_in_part(reader, part) for part in entry.parts)
        if rows != entry.rows:
            raise reader.damaged(
                reader.manifest.name.manifest_key,
                f"{entry.name} has {rows:,} rows in the document "
                f"and {entry.rows:,} in the manifest",
            )
        self.progress.table(entry.name, rows, "complete")

    def _rows_in_part(self, reader: BackupReader, part: Part) -> int:
        rows = 0
        for row in itertools.chain.from_iterable(split_rows(reader.read_part(part))):
            self.deadline.check()
            if not is_json_object(row):
                key = reader.manifest.volumes[part.volume - 1].key
                raise reader.damaged(key, f"row {rows + 1} is not a JSON object")
            rows += 1
        return rows
