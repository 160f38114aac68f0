"""What is known of a project's files while they are backed up, on disk: there may be very many."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from supakeep.archive.file_tree import file_fields, file_of
from supakeep.domain.project_file import ProjectFile
from supakeep.usecases.temporary_database import TemporaryDatabase

# in each store, one stored object for each version; `key` is that of the object which all are to have
_SCHEMA = """
create table file (number integer primary key, version text not null, bucket text not null,
    name text not null, size integer, fields text not null, wanted integer not null,
    missing text, unique (bucket, name));
create index file_version on file (version);
create table held (version text not null, store integer not null, key text not null,
    bytes integer not null, plain integer not null, primary key (version, key, store)) without rowid;
create table expected (key text primary key, bytes integer not null) without rowid;
create table chosen (version text primary key, key text not null, bytes integer not null,
    stores integer not null) without rowid;
"""
# the size of an object is that of its file where it holds just that; then what was written or listed by a
# backup; where nobody knows it, the most that a store has: what is cut short is smaller
_FORGET_WRONG = """
delete from held where bytes <> coalesce(
    (select f.size from file f where held.plain and f.version = held.version),
    (select e.bytes from expected e where e.key = held.key),
    (select max(h.bytes) from held h where h.version = held.version and h.key = held.key))
"""
# what only a listing tells of: a run that was cut off has stored it, and no backup names it
_UNPROVEN = """
from held where version in (select version from file)
    and key not in (select key from expected)
"""
# of several objects of one version, the one that a backup names already: anybody may have put another one
# there. Then the one that most stores have
_CHOOSE = """
insert into chosen
select version, key, bytes, stores from (
    select version, key, min(bytes) as bytes, count(*) as stores,
        row_number() over (partition by version
            order by key in (select key from expected) desc, count(*) desc, key) as place
    from held where version in (select version from file)
    group by version, key)
where place = 1
"""


class HeldObject(NamedTuple):
    """An object that a store lists; `is_plain` where it is the file's own bytes."""

    version: str
    key: str
    bytes: int
    is_plain: bool


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

    def leave_out(self, number: int, why: str) -> None:
        """The file is not to be copied, as has shown meanwhile."""
        self._db.execute("update file set wanted = 0, missing = ? where number = ?", (why, number))

    def explain(self, number: int, missing: str) -> None:
        """Why the file is not in the backup."""
        self._db.execute("update file set missing = ? where number = ?", (missing, number))

    def expect(self, objects: Iterable[tuple[str, int | str]]) -> None:
        """The sizes of objects as they were stored; where a store lists another one, its object does not
        count. None of them is believed where giving them ends with an error.
        """
        self._insert("insert or replace into expected values (?, ?)", objects)

    def clear_held(self) -> None:
        """Before the stores are listed again."""
        self._db.execute("delete from held")

    def release(self, store: int) -> None:
        """Nothing is known of what this store holds."""
        self._db.execute("delete from held where store = ?", (store,))

    def hold(self, store: int, objects: Iterable[HeldObject]) -> None:
        """What the store with this number lists."""
        self._insert(
            "insert or replace into held (store, version, key, bytes, plain) values (?, ?, ?, ?, ?)",
            ((store, *listed) for listed in objects),
        )

    def unproven(self) -> Iterator[tuple[int, str, int]]:
        """The objects of which only a listing tells that they are whole: store, key and size."""
        yield from self._rows(f"select store, key, bytes {_UNPROVEN} order by bytes, key, store")

    def reject(self, store: int, key: str) -> None:
        """The object that this store has is damaged."""
        self._db.execute("delete from held where store = ? and key = ?", (store, key))

    def reject_unproven(self) -> None:
        """What nobody had the time to read is not there."""
        self._db.execute(f"delete {_UNPROVEN}")

    def choose(self) -> int:
        """Settles which object each file is read from, from what the stores hold now. Returns how many
        objects do not count, since they have another size than they must have.
        """
        wrong = self._db.execute(_FORGET_WRONG).rowcount
        self._db.execute("delete from chosen")
        self._db.execute(_CHOOSE)
        return wrong

    def to_copy(self, above: int, most: int, unknown: int) -> Iterator[IndexedFile]:
        """The files that some store lacks, of more than `above` bytes and at most `most`, where one of which
        the size is not known counts as `unknown`. Small ones first, so that one that takes long keeps none
        waiting.
        """
        rows = self._rows(
            "select f.number, f.fields, f.version, c.key from file f left join chosen c using (version) "
            "where f.wanted and coalesce(c.stores, 0) < ? and coalesce(f.size, ?) > ? "
            "and coalesce(f.size, ?) <= ? order by coalesce(f.size, ?), f.number",
            self._stores,
            unknown,
            above,
            unknown,
            most,
            unknown,
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

    def buckets(self) -> Iterator[tuple[str, Counted, int]]:
        """The buckets that have files: what at least one store has, and how many files are left."""
        for bucket, files, size, left in self._rows(
            "select bucket, count(c.key), coalesce(sum(f.size) filter (where c.key is not null), 0), "
            "count(*) filter (where f.wanted and coalesce(c.stores, 0) < ?) "
            "from file f left join chosen c using (version) group by bucket",
            self._stores,
        ):
            yield bucket, Counted(files, size), left

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
