"""Give a copy the files of a backup that it lacks, or has damaged, from a store that has them right."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import BinaryIO, NamedTuple

from supakeep.archive.damage import damaged
from supakeep.archive.reader import BackupReader
from supakeep.archive.stored_object import Failure, no_right_copy
from supakeep.domain.copies import PRIMARY
from supakeep.domain.copy_report import CopiedFiles
from supakeep.domain.file_key import FileKey
from supakeep.domain.manifest import Manifest
from supakeep.domain.manifest_parts import Problem
from supakeep.errors import ChecksumError, StorageError, SupakeepError
from supakeep.ports import Deadline, ObjectStore, Transfers
from supakeep.system import refused_by_machine
from supakeep.usecases.file_objects import (
    compared,
    damage_of,
    fetch,
    listed_objects,
    put_whole,
    read_back,
)
from supakeep.usecases.in_parallel import AT_ONCE, in_parallel
from supakeep.usecases.temporary_database import TemporaryDatabase

log = logging.getLogger(__name__)

# so many small files lie on the disk at a time, or one large one
_SMALL_BYTES = 8 * 1024 * 1024
# after so many in a row that could not be copied for the time being, the others are not tried
_MOST_SILENT = 20


@dataclass(frozen=True)
class CopyStoredFiles:
    """`holders` are the stores that are to hold files from now on; others get those of backups that say so.
    With `deep`, what a store lists in the right size is read, too.
    """

    stores: tuple[ObjectStore, ...]
    deadline: Deadline
    transfers: Transfers
    holders: frozenset[str] = frozenset()
    deep: bool = False

    def takes(self, target: ObjectStore, manifest: Manifest) -> bool:
        """Whether the store is to hold the files of this backup; the project's own Storage never is."""
        files = manifest.files
        if files is None or not files.keys or target.name == PRIMARY:
            return False
        return target.name in self.holders or target.name in files.copies

    def __call__(
        self, manifest: Manifest, target: ObjectStore, *, dry_run: bool
    ) -> tuple[CopiedFiles, Problem | None]:
        """What was copied, or would be, and why some of it was not. Raises StorageError and ChecksumError
        where it is not known what the store lacks, or nothing more can be copied.
        """
        reader = BackupReader(manifest, self.stores)
        reader.check_volumes(manifest.files.keys if manifest.files else (), self.deadline)
        with _LackingFiles() as lacking:
            lacking.add(self._lacking(reader, target))
            if dry_run:
                return lacking.counted(), None
            tally = _Tally()
            self._fill(reader, target, lacking, tally)
        if tally.copied.written or tally.copied.replaced:
            self._confirm(reader, target, tally)
        return tally.copied, tally.problem(target.name)

    def _lacking(self, reader: BackupReader, target: ObjectStore) -> Iterator[_Lacking]:
        listed = listed_objects(target, reader.manifest.project, self.deadline)
        right: list[_Lacking] = []
        for key, size, listed_bytes in compared(reader, listed, self.deadline):
            found = _Lacking(key, size, is_there=listed_bytes is not None)
            if listed_bytes != size:
                yield found
            elif self.deep:
                right.append(found)
                if len(right) == 2 * AT_ONCE:
                    yield from self._damaged(target, right)
                    right = []
        yield from self._damaged(target, right)

    def _damaged(self, target: ObjectStore, listed: Iterable[_Lacking]) -> Iterator[_Lacking]:
        def look(found: _Lacking) -> tuple[_Lacking, Failure | None]:
            return found, damage_of(target, found.key, self.deadline)

        for found, failure in in_parallel(look, listed):
            if isinstance(failure, StorageError):
                raise failure  # nothing is known of it
            if failure is not None:
                yield found._replace(is_whole=True)

    def _fill(
        self, reader: BackupReader, target: ObjectStore, lacking: _LackingFiles, tally: _Tally
    ) -> None:
        total, moved = lacking.counted().bytes, 0
        if total:
            self.transfers.expect({"files": total})
        copy = partial(self._copied, reader, target)
        for files, at_once in ((lacking.small(), AT_ONCE), (lacking.large(), 1)):
            for found, error in in_parallel(copy, files, at_once):
                moved += found.bytes
                tally.add(found, error)
                self.transfers.moved("files", moved, "complete" if moved == total else "running")

    def _copied(
        self, reader: BackupReader, target: ObjectStore, lacking: _Lacking
    ) -> tuple[_Lacking, SupakeepError | None]:
        """In a thread of its own: what kept it from being copied."""
        self.deadline.check()
        try:
            self._copy(reader, target, lacking)
        except (StorageError, ChecksumError) as exc:
            error: SupakeepError = exc
        except OSError as exc:
            error = refused_by_machine(exc)
        else:
            return lacking, None
        log.warning("%s was not copied to %s", lacking.key, target.name, exc_info=error)
        return lacking, error

    def _copy(self, reader: BackupReader, target: ObjectStore, lacking: _Lacking) -> None:
        if (key := FileKey.parse(lacking.key)) is None:
            raise damaged(lacking.key, "it is no key of a file")
        with target.spool(lacking.key) as spool:
            self._fetch(reader, target, key, spool)
            # only now is it certain that there is a right one to take its place
            is_new = put_whole(target, lacking.key, spool, is_wrong=lacking.is_there)
            is_new = is_new and not lacking.is_whole
            read_back(target, lacking.key, spool, self.deadline, is_new=is_new)

    def _fetch(
        self, reader: BackupReader, target: ObjectStore, key: FileKey, spool: BinaryIO
    ) -> None:
        failures: dict[str, Failure] = {}
        for store in _files_first(reader, target):
            try:
                fetch(store, key, spool, self.deadline)
            except (StorageError, ChecksumError) as exc:
                failures[store.name] = exc
            else:
                return
        raise no_right_copy(failures)

    def _confirm(self, reader: BackupReader, target: ObjectStore, tally: _Tally) -> None:
        """Only what the store lists now counts, whatever it answered."""
        listed = listed_objects(target, reader.manifest.project, self.deadline)
        objects = compared(reader, listed, self.deadline)
        tally.lacking = sum(1 for named in objects if not named.is_right)


def _files_first(reader: BackupReader, target: ObjectStore) -> list[ObjectStore]:
    """The other stores; those that got the files with the backup come first."""
    copies = reader.manifest.files.copies if reader.manifest.files else ()
    others = [store for store in reader.stores if store.name != target.name]
    return sorted(others, key=lambda store: store.name not in copies)


class _Lacking(NamedTuple):
    """An object that a store lacks, or has wrong where it `is_there`; `is_whole` is one of the right size, which
    is damaged as far as could be read.
    """

    key: str
    bytes: int
    is_there: bool
    is_whole: bool = False


class _LackingFiles(TemporaryDatabase):
    """What one store lacks, on disk: there may be very many."""

    def __init__(self) -> None:
        super().__init__(
            "create table lacking (key text primary key, bytes integer not null, "
            "is_there integer not null, is_whole integer not null) without rowid"
        )

    def add(self, objects: Iterable[_Lacking]) -> None:
        self._insert("insert or replace into lacking values (?, ?, ?, ?)", objects)

    def counted(self) -> CopiedFiles:
        """As if all of them had been copied."""
        query = "select count(*) filter (where not is_there), count(*) filter (where is_there), "
        [(written, replaced, size)] = self._rows(query + "coalesce(sum(bytes), 0) from lacking")
        return CopiedFiles(written=written, replaced=replaced, bytes=size)

    def small(self) -> Iterator[_Lacking]:
        query = "select * from lacking where bytes <= ? order by bytes, key"
        yield from map(_Lacking._make, self._rows(query, _SMALL_BYTES))

    def large(self) -> Iterator[_Lacking]:
        query = "select * from lacking where bytes > ? order by bytes, key"
        yield from map(_Lacking._make, self._rows(query, _SMALL_BYTES))


@dataclass
class _Tally:
    """`lacking` are still not right in the store; `error` is the first reason."""

    copied: CopiedFiles = field(default_factory=CopiedFiles)
    lacking: int = 0
    error: SupakeepError | None = None
    silent: int = 0

    def add(self, found: _Lacking, error: SupakeepError | None) -> None:
        if error is None:
            self.silent = 0
            self._count(found)
            return
        self.lacking += 1
        self.error = self.error or error
        self.silent += 1 if error.retryable else 0
        if self.silent == _MOST_SILENT:
            raise error

    def _count(self, found: _Lacking) -> None:
        before = self.copied
        self.copied = CopiedFiles(
            written=before.written + (not found.is_there),
            replaced=before.replaced + found.is_there,
            bytes=before.bytes + found.bytes,
        )

    def problem(self, store: str) -> Problem | None:
        if not self.lacking:
            return None
        files = "1 file is" if self.lacking == 1 else f"{self.lacking:,} files are"
        why = self.error.message if self.error else "it does not list in full what it took"
        hint = self.error.hint if self.error else "Is there a proxy in between? Copy again."
        return Problem(message=f"{files} not right in {store}: {why}", hint=hint)
