"""How the files of a backup differ from those in a project, on disk: there may be very many."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from supakeep.domain.project_file import ProjectFile
from supakeep.usecases.temporary_database import TemporaryDatabase

_SCHEMA = """
create table kept (bucket text not null, name text not null, size integer, etag text,
    version text not null, fields text not null, primary key (bucket, name)) without rowid;
create table live (bucket text not null, name text not null, size integer, etag text,
    version text not null, primary key (bucket, name)) without rowid;
"""
# a file that a restore wrote has another ID than before, and the same content; a size may not be known
_SAME = "coalesce(l.size = k.size, true) and (l.etag = k.etag or l.version = k.version)"
_KEPT = "from kept k left join live l on l.bucket = k.bucket and l.name = k.name"
_ADDED = (
    "from live k left join kept l on l.bucket = k.bucket and l.name = k.name where l.name is null"
)
_QUERIES = {
    "missing": f"{_KEPT} where l.name is null",
    "changed": f"{_KEPT} where l.name is not null and not coalesce({_SAME}, false)",
    "unchanged": f"{_KEPT} where {_SAME}",
    "added": _ADDED,
}

Difference = Literal["missing", "changed", "unchanged", "added"]


class FileComparison(TemporaryDatabase):
    """The files of both sides, by bucket and name."""

    def __init__(self) -> None:
        super().__init__(_SCHEMA)

    def keep(self, file: ProjectFile, fields: Mapping[str, Any]) -> None:
        """A file of the backup, with all that is known of it."""
        self._db.execute(
            "insert or replace into kept values (?, ?, ?, ?, ?, ?)",
            (*_columns(file), json.dumps(fields)),
        )

    def see(self, file: ProjectFile) -> None:
        """A file that is in the project."""
        self._db.execute("insert or replace into live values (?, ?, ?, ?, ?)", _columns(file))

    def count(self, difference: Difference) -> int:
        [(number,)] = self._rows(f"select count(*) {_QUERIES[difference]}")
        return int(number)

    def bytes(self, difference: Difference) -> int:
        [(size,)] = self._rows(f"select coalesce(sum(k.size), 0) {_QUERIES[difference]}")
        return int(size)

    def paths(self, difference: Difference, most: int) -> Iterator[str]:
        """The first of them, by bucket and name."""
        query = f"select k.bucket, k.name {_QUERIES[difference]} order by 1, 2 limit {most}"
        for bucket, name in self._rows(query):
            yield f"{bucket}/{name}"

    def fields(self, difference: Difference) -> Iterator[dict[str, Any]]:
        """What the backup knows of each of them; those of unknown size first, then small ones."""
        for (fields,) in self._rows(f"select k.fields {_QUERIES[difference]} order by k.size"):
            yield json.loads(fields)


def _columns(file: ProjectFile) -> tuple[str, str, int | None, str | None, str]:
    return file.bucket, file.name, file.size_bytes, file.etag, file.version_key(())
