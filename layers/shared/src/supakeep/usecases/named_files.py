"""Which stored files are named by backups, on disk: there may be very many."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence

from supakeep.archive.file_tree import Lines, key_and_size
from supakeep.archive.reader import Failure, no_right_copy, read_volume
from supakeep.domain.manifest import Manifest
from supakeep.domain.manifest_parts import VolumeEntry
from supakeep.errors import ChecksumError, StorageError
from supakeep.ports import Deadline, ObjectStore
from supakeep.usecases.temporary_database import TemporaryDatabase

log = logging.getLogger(__name__)


class NamedFiles(TemporaryDatabase):
    """The keys in the lists of backups."""

    def __init__(self) -> None:
        super().__init__("create table named (key text primary key) without rowid")
        self._read: set[tuple[str, ...]] = set()

    def add(self, manifest: Manifest, stores: Sequence[ObjectStore], deadline: Deadline) -> None:
        """The files of a backup, from the first of the stores that has its lists right. Equal lists are
        read once. Raises ChecksumError or StorageError where no store has one right.
        """
        volumes = tuple(manifest.files.keys) if manifest.files else ()
        whole = tuple(volume.sha256 for volume in volumes)
        if whole in self._read:
            return
        # volumes are cut anywhere, also in the middle of a line
        rest = b""
        for volume in volumes:
            rest = self._add_list(volume, rest, stores, deadline)
        self._name([rest] if rest else [])
        self._read.add(whole)

    def _add_list(
        self, volume: VolumeEntry, rest: bytes, stores: Sequence[ObjectStore], deadline: Deadline
    ) -> bytes:
        """Names the keys of its lines, of which the first begins with `rest`; returns the next `rest`."""
        failures: dict[str, Failure] = {}
        for store in stores:
            lines = Lines(volume.key, rest)
            try:
                self._name(lines.of(_in_time(read_volume(store, volume), deadline)))
            except (StorageError, ChecksumError) as exc:
                # what was named from a damaged list only keeps more
                log.info("%s is not right in %s", volume.key, store.name, exc_info=True)
                failures[store.name] = exc
            else:
                return lines.rest
        raise no_right_copy(failures)

    def _name(self, lines: Iterable[bytes]) -> None:
        keys = ((key_and_size(line)[0],) for line in lines)
        self._db.execute("begin")
        try:
            self._db.executemany("insert or ignore into named values (?)", keys)
        finally:
            self._db.execute("commit")

    def __contains__(self, key: str) -> bool:
        [(found,)] = self._db.execute("select count(*) from named where key = ?", (key,))
        return bool(found)


def _in_time(pieces: Iterable[bytes], deadline: Deadline) -> Iterator[bytes]:
    for piece in pieces:
        deadline.check()
        yield piece
