"""Rows of one side that the other side has not shown yet, in a temporary file."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from types import TracebackType
from typing import Self

# what it may hold in memory; the rest is in the file, which the system removes
_CACHE_KIB = 8 * 1024


class UnmatchedRows:
    """Rows by their key. It may hold far more of them than memory would."""

    def __init__(self) -> None:
        # the empty name is a private file on the disk, which is written only if the cache is full
        self._rows = sqlite3.connect("", isolation_level=None)
        self._rows.execute(f"pragma cache_size = -{_CACHE_KIB}")
        self._rows.execute("pragma journal_mode = off")
        self._rows.execute("create table waiting (id integer primary key, key blob, row blob)")
        self._rows.execute("create index by_key on waiting (key)")
        self._count = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._rows.close()

    def add(self, key: bytes, row: bytes) -> None:
        self._rows.execute("insert into waiting (key, row) values (?, ?)", (key, row))
        self._count += 1

    def take(self, key: bytes) -> bytes | None:
        """Removes the row of this key and returns it; None where there is none."""
        if not self._count:
            return None
        query = "select id, row from waiting where key = ? order by id limit 1"
        found = self._rows.execute(query, (key,)).fetchone()
        if found is None:
            return None
        self._rows.execute("delete from waiting where id = ?", (found[0],))
        self._count -= 1
        row: bytes = found[1]
        return row

    def __iter__(self) -> Iterator[bytes]:
        """The rows that are left, in the order in which they came."""
        with closing(self._rows.execute("select row from waiting order by id")) as left:
            for (row,) in left:
                yield row
