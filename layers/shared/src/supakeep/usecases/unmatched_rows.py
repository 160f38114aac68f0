"""Rows of one side that the other side has not shown yet, in a temporary file."""

from __future__ import annotations

from collections.abc import Iterator

from supakeep.usecases.temporary_database import TemporaryDatabase

# what it may hold in memory; the rest is in the file, which the system removes
_CACHE_KIB = 8 * 1024
_SCHEMA = f"""
pragma cache_size = -{_CACHE_KIB};
pragma journal_mode = off;
create table waiting (id integer primary key, key blob, row blob);
create index by_key on waiting (key);
"""


class UnmatchedRows(TemporaryDatabase):
    """Rows by their key. It may hold far more of them than memory would."""

    def __init__(self) -> None:
        super().__init__(_SCHEMA)
        self._count = 0

    def add(self, key: bytes, row: bytes) -> None:
        self._db.execute("insert into waiting (key, row) values (?, ?)", (key, row))
        self._count += 1

    def take(self, key: bytes) -> bytes | None:
        """Removes the row of this key and returns it; None where there is none."""
        if not self._count:
            return None
        query = "select id, row from waiting where key = ? order by id limit 1"
        found = self._db.execute(query, (key,)).fetchone()
        if found is None:
            return None
        self._db.execute("delete from waiting where id = ?", (found[0],))
        self._count -= 1
        row: bytes = found[1]
        return row

    def __iter__(self) -> Iterator[bytes]:
        """The rows that are left, in the order in which they came."""
        for (row,) in self._rows("select row from waiting order by id"):
            yield row
