"""Verify a backup: every byte, every checksum, every row."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict

from supakeep.archive.layout import split_rows
from supakeep.archive.reader import check_volumes, damaged, read_part
from supakeep.domain.json_text import is_json_object
from supakeep.domain.manifest import Manifest, Part, TableEntry
from supakeep.ports import Deadline, ObjectStore, Progress


class VerifyReport(BaseModel):
    """What was read and found right."""

    model_config = ConfigDict(frozen=True)

    backup: str
    read_from: str
    volumes: int
    bytes: int
    tables: dict[str, int]


@dataclass(frozen=True)
class VerifyBackup:
    """Reads one copy of a backup from end to end; no database is needed."""

    deadline: Deadline
    progress: Progress

    def __call__(self, store: ObjectStore, manifest: Manifest) -> VerifyReport:
        """Raises ChecksumError, naming the object, at the first thing that is not as written."""
        check_volumes(store, manifest.volumes, self.deadline)
        complete = [entry for entry in manifest.tables if entry.status == "complete"]
        for entry in complete:
            self._verify_rows(store, manifest, entry)
        return VerifyReport(
            backup=manifest.backup,
            read_from=store.name,
            volumes=len(manifest.volumes),
            bytes=manifest.size_bytes,
            tables={entry.name: entry.rows for entry in complete},
        )

    def _verify_rows(self, store: ObjectStore, manifest: Manifest, entry: TableEntry) -> None:
        self.progress.table(entry.name, 0, "running")
        rows = sum(self._rows_in_part(store, manifest, part) for part in entry.parts)
        if rows != entry.rows:
            raise damaged(
                manifest.name.manifest_key,
                f"{entry.name} has {rows:,} rows in the document "
                f"and {entry.rows:,} in the manifest",
            )
        self.progress.table(entry.name, rows, "complete")

    def _rows_in_part(self, store: ObjectStore, manifest: Manifest, part: Part) -> int:
        rows = 0
        for row in itertools.chain.from_iterable(split_rows(read_part(store, manifest, part))):
            self.deadline.check()
            if not is_json_object(row):
                raise damaged(
                    manifest.volumes[part.volume - 1].key, f"row {rows + 1} is no JSON object"
                )
            rows += 1
        return rows
