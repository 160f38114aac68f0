"""Stored files that are to be removed, on disk: there may be very many."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from supakeep.ports import StoredObject
from supakeep.usecases.temporary_database import TemporaryDatabase


class DoomedFiles(TemporaryDatabase):
    """Their keys and sizes."""

    def __init__(self) -> None:
        super().__init__(
            "create table doomed (key text primary key, bytes integer not null) without rowid"
        )

    def add(self, objects: Iterable[StoredObject]) -> None:
        """All of them, or none where giving them ends with an error."""
        rows = ((stored.key, stored.size_bytes) for stored in objects)
        self._insert("insert or replace into doomed values (?, ?)", rows)

    def total(self) -> tuple[int, int]:
        """How many there are, and their bytes together."""
        [(files, size)] = self._rows("select count(*), coalesce(sum(bytes), 0) from doomed")
        return files, size

    def batches(self, most: int) -> Iterator[dict[str, int]]:
        """Sizes by key, in the order of keys, at most so many at a time."""
        last = ""
        query = "select key, bytes from doomed where key > ? order by key limit ?"
        while batch := dict(self._rows(query, last, most)):
            yield batch
            last = max(batch)
