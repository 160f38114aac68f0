"""A database for what may be too much for memory, gone when it is closed."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, Self


class TemporaryDatabase:
    """A private SQLite database in a temporary file that has no name. Only the thread that made it uses it."""

    def __init__(self, schema: str) -> None:
        """`schema` is what the new database begins with."""
        self._db = sqlite3.connect("", isolation_level=None)
        self._db.executescript(schema)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._db.close()

    def _insert(self, statement: str, rows: Iterable[Sequence[object]]) -> None:
        """All of them, or none where giving them ends with an error."""
        self._db.execute("begin")
        try:
            self._db.executemany(statement, rows)
        except BaseException:
            self._db.execute("rollback")
            raise
        self._db.execute("commit")

    def _rows(self, query: str, *values: object) -> Iterator[Any]:
        rows = self._db.execute(query, values)
        try:
            # without `map`, the cursor would be closed here too
            yield from map(tuple, rows)
        finally:
            # an error may have closed the database before whoever reads these rows was through
            with suppress(sqlite3.ProgrammingError):
                rows.close()
