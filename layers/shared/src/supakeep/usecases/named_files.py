"""Which stored files are named by backups, on disk: there may be very many."""

from __future__ import annotations

from collections.abc import Sequence

from supakeep.domain.manifest import Manifest
from supakeep.ports import Deadline, ObjectStore
from supakeep.usecases.listed_files import listed_files
from supakeep.usecases.temporary_database import TemporaryDatabase


class NamedFiles(TemporaryDatabase):
    """The keys in the lists of backups."""

    def __init__(self) -> None:
        super().__init__("create table named (key text primary key) without rowid")
        self._read: set[tuple[str, ...]] = set()

    def add(self, manifest: Manifest, stores: Sequence[ObjectStore], deadline: Deadline) -> None:
        """The files of a backup. Equal lists are read once. Raises as `listed_files` does."""
        volumes = manifest.files.keys if manifest.files else ()
        whole = tuple(volume.sha256 for volume in volumes)
        if whole in self._read:
            return
        # what was named from a damaged list only keeps more
        keys = ((key,) for key, _ in listed_files(manifest, stores, deadline))
        self._insert("insert or ignore into named values (?)", keys)
        self._read.add(whole)

    def __contains__(self, key: str) -> bool:
        [(found,)] = self._db.execute("select count(*) from named where key = ?", (key,))
        return bool(found)
