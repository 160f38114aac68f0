"""Copy the files of a project into the stores that lack them, several at a time."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO

from supakeep.archive.encoding import Encoding
from supakeep.archive.volume import HashedSpool
from supakeep.domain.file_key import FileKey, file_folder
from supakeep.domain.files_policy import FilesPolicy
from supakeep.domain.project_file import ProjectFile
from supakeep.errors import (
    BucketNotFoundError,
    ChecksumError,
    DeadlineExceededError,
    FileChangedError,
    ObjectNotFoundError,
    StorageError,
    StorageUnavailableError,
    SupakeepError,
)
from supakeep.ports import Deadline, ObjectStore, ProjectFiles
from supakeep.system import refused_by_machine
from supakeep.usecases.file_index import FileIndex, IndexedFile
from supakeep.usecases.file_objects import NotReplacedError, fetch, put_whole, read_back
from supakeep.usecases.in_parallel import AT_ONCE, in_parallel

log = logging.getLogger(__name__)

# so many small files lie on the disk at a time, or one large one
_SMALL_BYTES = 8 * 1024 * 1024
# a file that is replaced, or cut short, more often than that waits for the next backup
_MOST_ATTEMPTS = 3
# after so many files in a row that Storage did not give, the others are not asked for
_MOST_SILENT = 20


@dataclass(frozen=True)
class _Outcome:
    """What became of a file: its object, or the error. `file` is the version that was copied. It
    `is_too_large` where that was not to be seen when it was listed.
    """

    indexed: IndexedFile
    file: ProjectFile
    key: FileKey | None = None
    bytes: int = 0
    error: SupakeepError | None = None
    is_too_large: bool = False


class _TooLargeError(Exception):
    """The policy takes no file of this size."""


@dataclass
class CopiedFiles:
    """What was copied, and how many files were not for want of time or because of errors, with the
    first of them. `gone` are no longer in the project. `failures` are the stores that took no more, by
    their numbers.
    """

    files: int = 0
    bytes: int = 0
    gone: int = 0
    failed: int = 0
    error: SupakeepError | None = None
    out_of_time: DeadlineExceededError | None = None
    failures: dict[int, SupakeepError] = field(default_factory=dict)
    silent: int = 0


@dataclass(frozen=True)
class CopyFiles:
    """Copies into `stores`, by their numbers in the index. A store that fails gets no more files. With
    `read_back`, each object is read again after it was stored.
    """

    source: ProjectFiles
    stores: Sequence[ObjectStore]
    project: str
    encoding: Encoding
    policy: FilesPolicy
    deadline: Deadline
    copied: CopiedFiles
    read_back: bool = True

    def __call__(self, index: FileIndex) -> None:
        """What is copied stays, however this ends. Raises LeaseHeldError."""
        most = self.policy.max_bytes
        small = min(_SMALL_BYTES, most)
        for above, up_to, at_once in ((-1, small, AT_ONCE), (small, most, 1)):
            files = index.to_copy(above, up_to, unknown=most)
            for outcome in in_parallel(self._copy, files, at_once):
                self._note(index, outcome)

    def _note(self, index: FileIndex, outcome: _Outcome) -> None:
        number, error = outcome.indexed.number, outcome.error
        if error is None and outcome.key is not None:
            index.replace(number, outcome.file, outcome.key.version)
            index.expect([(str(outcome.key), outcome.bytes)])
            self.copied.files += 1
            self.copied.bytes += outcome.file.size_bytes or 0
        elif isinstance(error, ObjectNotFoundError):
            log.info("A file vanished before it was copied")
            index.forget(number)
            self.copied.gone += 1
        elif outcome.is_too_large:
            index.leave_out(number, self.policy.too_large)
        elif isinstance(error, DeadlineExceededError):
            self.copied.out_of_time = error
            index.explain(number, "the time was used up")
        elif error is not None:
            self.copied.failed += 1
            self.copied.error = self.copied.error or error
            index.explain(number, error.message)
        else:
            index.explain(number, "it was not tried")

    def _copy(self, indexed: IndexedFile) -> _Outcome:
        """In a thread of its own."""
        file = indexed.file
        try:
            self.deadline.check()
            if not (lacking := self._open(indexed)) or self.copied.silent >= _MOST_SILENT:
                return _Outcome(indexed, file)
            return self._from_store(indexed, lacking) or self._from_source(indexed, lacking)
        except (StorageError, DeadlineExceededError) as exc:
            return self._failed(indexed, exc)
        except _TooLargeError:
            return _Outcome(indexed, file, is_too_large=True)
        except OSError as exc:
            return self._failed(indexed, refused_by_machine(exc))

    def _failed(self, indexed: IndexedFile, error: SupakeepError) -> _Outcome:
        if error.retryable:
            self.copied.silent += 1
        if not isinstance(error, DeadlineExceededError | ObjectNotFoundError):
            log.warning("A file was not copied: %s", error.message, exc_info=error)
        return _Outcome(indexed, indexed.file, error=error)

    def _open(self, indexed: IndexedFile) -> list[int]:
        """The stores that lack the file and take some."""
        return [number for number in indexed.lacking if number not in self.copied.failures]

    def _from_store(self, indexed: IndexedFile, lacking: Sequence[int]) -> _Outcome | None:
        """The object that other stores have already; None where there is none, or it is damaged."""
        key = FileKey.parse(indexed.key) if indexed.key else None
        if key is None:
            return None
        for number in set(range(len(self.stores))) - set(indexed.lacking):
            with self.stores[lacking[0]].spool(str(key)) as spool:
                try:
                    size = fetch(self.stores[number], key, spool, self.deadline)
                except (StorageError, ChecksumError):
                    log.warning("%s is not right in a store", key, exc_info=True)
                    continue
                self._put(key, spool, lacking)
                return _Outcome(indexed, indexed.file, key, size)
        return None

    def _from_source(self, indexed: IndexedFile, lacking: Sequence[int]) -> _Outcome:
        file = indexed.file
        for _ in range(_MOST_ATTEMPTS - 1):
            try:
                return self._download(indexed, file, lacking)
            except FileChangedError:
                file = self._as_it_is_now(file)
            except StorageUnavailableError:
                log.info("A file was cut short, and is read again", exc_info=True)
        return self._download(indexed, file, lacking)

    def _as_it_is_now(self, file: ProjectFile) -> ProjectFile:
        found = next((each for each in self._named_like(file) if each.name == file.name), None)
        if found is None:
            raise ObjectNotFoundError(f"{file.path} is gone", operation="read file", key=file.path)
        if found.is_larger_than(self.policy.max_bytes):
            raise _TooLargeError
        return found

    def _named_like(self, file: ProjectFile) -> Iterator[ProjectFile]:
        """What the project lists under a name that begins so; nothing where the bucket is gone, too."""
        try:
            yield from self.source.files(file.bucket, file.name)
        except BucketNotFoundError:
            if any(bucket.id == file.bucket for bucket in self.source.buckets()):
                raise

    def _download(
        self, indexed: IndexedFile, file: ProjectFile, lacking: Sequence[int]
    ) -> _Outcome:
        version = file.version_key(self.encoding.recipients)
        folder = file_folder(self.project, version)
        with self.stores[lacking[0]].spool(f"{folder}{version}") as spool:
            sha256, size = self._fill(file, spool)
            self.copied.silent = 0
            key = FileKey(self.project, version, sha256, self.encoding.suffix)
            self._put(key, spool, lacking)
        return _Outcome(indexed, file, key, size)

    def _fill(self, file: ProjectFile, spool: BinaryIO) -> tuple[str, int]:
        sink = HashedSpool(spool)
        try:
            with self.source.read(file) as pieces:
                self.encoding.encode(self._within_limit(pieces), sink)
        except (ObjectNotFoundError, BucketNotFoundError) as exc:
            raise self._not_found(file) from exc
        return sink.sha256, sink.size

    def _not_found(self, file: ProjectFile) -> StorageError:
        """Storage gave no such file. Raises ObjectNotFoundError only where it does not list it either."""
        if self._as_it_is_now(file) != file:
            return _replaced(file)
        return StorageError(
            f"{file.path} is listed by Storage, which has no object for it",
            operation="read file",
            key=file.path,
            hint="Upload the file again, or delete it in the dashboard (Storage): there is nothing behind its "
            "name. The log of the run names each such file.",
        )

    def _within_limit(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """Of a file of which the size was not known it shows only now."""
        size = 0
        for piece in self._in_time(pieces):
            size += len(piece)
            if size > self.policy.max_bytes:
                raise _TooLargeError
            yield piece

    def _in_time(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        for piece in pieces:
            self.deadline.check()
            yield piece

    def _put(self, key: FileKey, spool: BinaryIO, lacking: Sequence[int]) -> None:
        refused: NotReplacedError | None = None
        for number in lacking:
            try:
                is_new = put_whole(self.stores[number], str(key), spool)
                if self.read_back:
                    read_back(self.stores[number], str(key), spool, self.deadline, is_new=is_new)
            except NotReplacedError as exc:
                refused = exc  # no reason to give the store no other files
            except StorageError as exc:
                log.warning("%s took no file", self.stores[number].name, exc_info=True)
                self.copied.failures.setdefault(number, exc)
        if refused is not None:
            raise refused


def _replaced(file: ProjectFile) -> FileChangedError:
    return FileChangedError(
        f"{file.path} was replaced while it was read", operation="read file", key=file.path
    )
