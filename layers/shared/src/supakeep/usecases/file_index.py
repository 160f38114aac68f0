"""What is known of a project's files while they are backed up, on disk: there may be very many."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from supakeep.archive.file_tree import file_fields, file_of
from supakeep.domain.project_file import ProjectFile
from supakeep.usecases.temporary_database import TemporaryDatabase

# in each store, one stored object for each version; `key` is that of the object which all are to have
_SCHEMA = """
create table file (number integer primary key, version text not null, bucket text not null,
    name text not null, size integer not null, fields text not null, wanted integer not null,
    missing text, unique (bucket, name));
create index file_version on file (version);
create table held (version text not null, store integer not null, key text not null,
    bytes integer not null, primary key (version, key, store)) without rowid;
create table written (key text primary key, bytes integer not null) without rowid;
create table chosen (version text primary key, key text not null, bytes integer not null,
    stores integer not null) without rowid;
"""
# of several objects of one version, the one that most stores have
_CHOOSE = """
insert into chosen
select version, key, bytes, stores from (
    select version, key, min(bytes) as bytes, count(*) as stores,
        row_number() over (partition by version order by count(*) desc, key) as place
    from held where version in (select version from file)
        and bytes = coalesce((select w.bytes from written w where w.key = held.key), bytes)
    group by version, key)
where place = 1
"""


@dataclass(frozen=True)
class Counted:
    """Files, and the bytes that they have together in the project."""

    files: int
    bytes: int


@dataclass(frozen=True)
class IndexedFile:
    """A file by its `number`, with the object that some stores have of it already, if any."""

    number: int
    fields: dict[str, Any]
    version: str
    key: str | None
    lacking: tuple[int, ...]

    @property
    def file(self) -> ProjectFile:
        return file_of(self.fields)


class FileIndex(TemporaryDatabase):
    """The files of a project, and what `stores` stores hold of them."""

    def __init__(self, stores: int) -> None:
        super().__init__(_SCHEMA)
        self._stores = stores

    def add(self, file: ProjectFile, version: str, left_out: str | None = None) -> None:
        """A file that was listed; `left_out` is why it is not to be copied."""
        self._db.execute(
            "insert or replace into file (version, bucket, name, size, fields, wanted, missing) "
            "values (?, ?, ?, ?, ?, ?, ?)",
            (version, file.bucket, file.name, file.size_bytes, _text(file), not left_out, left_out),
        )

    def replace(self, number: int, file: ProjectFile, version: str) -> None:
        """The file is another version than when it was listed."""
        self._db.execute(
            "update file set version = ?, size = ?, fields = ? where number = ?",
            (version, file.size_bytes, _text(file), number),
        )

    def forget(self, number: int) -> None:
        """The file is gone from the project."""
        self._db.execute("delete from file where number = ?", (number,))

    def explain(self, number: int, missing: str) -> None:
        """Why the file is not in the backup."""
        self._db.execute("update file set missing = ? where number = ?", (missing, number))

    def wrote(self, key: str, size_bytes: int) -> None:
        """An object of this size was stored; where another size is listed, it does not count."""
        self._db.execute("insert or replace into written values (?, ?)", (key, size_bytes))

    def clear_held(self) -> None:
        """Before the stores are listed again."""
        self._db.execute("delete from held")

    def release(self, store: int) -> None:
        """Nothing is known of what this store holds."""
        self._db.execute("delete from held where store = ?", (store,))

    def hold(self, store: int, objects: Iterable[tuple[str, str, int]]) -> None:
        """What the store with this number lists: versions, keys and sizes."""
        self._db.executemany(
            "insert or replace into held (store, version, key, bytes) values (?, ?, ?, ?)",
            ((store, *listed) for listed in objects),
        )

    def choose(self) -> None:
        """Settles which object each file is read from, from what the stores hold now."""
        self._db.execute("delete from chosen")
        self._db.execute(_CHOOSE)

    def to_copy(self, above: int, most: int) -> Iterator[IndexedFile]:
        """The files that some store lacks, of more than `above` bytes and at most `most`; small ones first,
        so that one that takes long keeps none waiting.
        """
        rows = self._rows(
            "select f.number, f.fields, f.version, c.key from file f left join chosen c using (version) "
            "where f.wanted and coalesce(c.stores, 0) < ? and f.size > ? and f.size <= ? "
            "order by f.size, f.number",
            self._stores,
            above,
            most,
        )
        for number, fields, version, key in rows:
            lacking = tuple(sorted(set(range(self._stores)) - self._holders(version, key)))
            yield IndexedFile(number, json.loads(fields), version, key, lacking)

    def files(self) -> Iterator[tuple[dict[str, Any], str | None, str | None]]:
        """Each file's fields, the key of its object, and why there is none, as they were listed."""
        for fields, key, missing in self._rows(
            "select fields, c.key, missing from file f left join chosen c using (version) order by number"
        ):
            yield json.loads(fields), key, missing

    def objects(self) -> Iterator[tuple[str, int]]:
        """The objects that hold the files, and their sizes as they are stored."""
        yield from self._rows("select key, bytes from chosen order by key")

    def stored(self) -> Counted:
        """What at least one store has."""
        return self._count("c.key is not null")

    def left(self) -> Counted:
        """What should be in the backup and is not, in one store at least."""
        return self._count("f.wanted and coalesce(c.stores, 0) < ?", self._stores)

    def left_out(self) -> Counted:
        """What is not to be copied."""
        return self._count("not f.wanted")

    def _holders(self, version: str, key: str | None) -> set[int]:
        rows = self._rows("select store from held where version = ? and key = ?", version, key)
        return {store for (store,) in rows}

    def _count(self, condition: str, *values: object) -> Counted:
        # the conditions are those above
        query = f"select count(*), coalesce(sum(f.size), 0) from file f left join chosen c using (version) where {condition}"  # noqa: S608, E501
        [(files, size)] = self._rows(query, *values)
        return Counted(files, size)


def _text(file: ProjectFile) -> str:
    return json.dumps(file_fields(file))
