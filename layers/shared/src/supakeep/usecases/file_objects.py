"""The objects that hold files: what a store has of them, and how they come from one into another."""

from __future__ import annotations

import hashlib
import io
import logging
from collections.abc import Iterator
from contextlib import suppress
from typing import BinaryIO, NamedTuple

from supakeep.archive.damage import damaged
from supakeep.archive.file_tree import Lines, key_and_size
from supakeep.archive.reader import BackupReader
from supakeep.archive.stored_object import read_resuming
from supakeep.archive.volume import HashedSpool
from supakeep.domain.file_key import FileKey, file_prefixes
from supakeep.errors import (
    AlteredAnswerError,
    ChecksumError,
    DeadlineExceededError,
    ObjectAlreadyExistsError,
    ObjectLockedError,
    StorageError,
    StoragePermissionError,
)
from supakeep.ports import Deadline, ObjectStore, StoredObject

log = logging.getLogger(__name__)

_ANOTHER_SHA256 = "its SHA-256 is not the one in its name"


class NamedObject(NamedTuple):
    """An object that a backup names, and its size as it was stored; `listed_bytes` is what a store lists,
    None where it lacks it.
    """

    key: str
    bytes: int
    listed_bytes: int | None

    @property
    def is_right(self) -> bool:
        """As far as a listing can tell."""
        return self.listed_bytes == self.bytes


def compared(
    reader: BackupReader, listed: Iterator[StoredObject], deadline: Deadline
) -> Iterator[NamedObject]:
    """Each object that the backup names, with what is listed of it. Both lists are in the order of keys, so
    that none of them is ever in memory. The reader has checked the backup's own list before.
    """
    stored = next(listed, None)
    for key, size in _named(reader):
        deadline.check()
        while stored is not None and stored.key < key:
            stored = next(listed, None)
        is_there = stored is not None and stored.key == key
        yield NamedObject(key, size, stored.size_bytes if stored and is_there else None)


def listed_objects(store: ObjectStore, project: str, deadline: Deadline) -> Iterator[StoredObject]:
    """What the store lists where files of the project lie, in the order of keys."""
    for prefix in file_prefixes(project):
        deadline.check()
        yield from store.list(prefix)


def fetch(store: ObjectStore, key: FileKey, spool: BinaryIO, deadline: Deadline) -> int:
    """Fills the spool with the object, and returns its size. Raises ChecksumError for a damaged one."""
    spool.seek(0)
    spool.truncate()
    sink = HashedSpool(spool)
    for piece in read_resuming(store, str(key)):
        deadline.check()
        sink.write(piece)
    if sink.sha256 != key.sha256:
        raise damaged(str(key), _ANOTHER_SHA256)
    return sink.size


def damage_of(
    store: ObjectStore, key: str, deadline: Deadline
) -> StorageError | ChecksumError | None:
    """Why the object could not be read, or is not the one that its key names; None for a right one."""
    digest, parsed = hashlib.sha256(), FileKey.parse(key)
    try:
        with store.read(key) as pieces:
            for piece in pieces:
                deadline.check()
                digest.update(piece)
    except AlteredAnswerError as exc:
        return damaged(key, exc.message)
    except StorageError as exc:
        return exc
    if parsed is None or digest.hexdigest() != parsed.sha256:
        return damaged(key, _ANOTHER_SHA256)
    return None


class NotReplacedError(StorageError):
    """An object is not right, and the store does not let it be removed from here."""


def put_whole(store: ObjectStore, key: str, content: BinaryIO, *, is_wrong: bool = False) -> bool:
    """Stores the object; one that `is_wrong`, or has another size, makes room for it. Returns whether it was stored
    now: one of this size may be there. Raises NotReplacedError where the other one may not be removed.
    """
    size = content.seek(0, io.SEEK_END)
    content.seek(0)
    if is_wrong:
        _remove(store, key)
    try:
        store.put(key, content)
    except ObjectAlreadyExistsError:
        if any(found.key == key and found.size_bytes == size for found in store.list(key)):
            log.info("%s is in %s by now", key, store.name)
            return False
        log.warning("%s was cut short in %s, and is stored again", key, store.name)
        _remove(store, key)
        content.seek(0)
        store.put(key, content)
    return True


def read_back(
    store: ObjectStore, key: str, content: BinaryIO, deadline: Deadline, *, is_new: bool
) -> None:
    """A store that does not give back what it took gets it once more. Raises StorageError where it damages it
    again, or cannot be read; one that `is_new` does not stay then, since by its size it would be taken for right.
    """
    try:
        failure = damage_of(store, key, deadline)
        if isinstance(failure, ChecksumError):
            log.warning("%s is damaged in %s, and is stored again", key, store.name)
            content.seek(0)
            failure = _replaced(store, key, content) or damage_of(store, key, deadline)
        if failure is not None:
            raise _not_given_back(store, key, failure)
    except (StorageError, DeadlineExceededError):
        if is_new:
            _take_back(store, key)
        raise


def _not_given_back(
    store: ObjectStore, key: str, failure: StorageError | ChecksumError
) -> StorageError:
    if isinstance(failure, StorageError):
        return failure
    return StorageError(
        f"{key} could not be read back from {store.name}: {failure.message}",
        operation="copy files",
        key=key,
        hint="Back up again. If it happens again, something on the way alters or loses what is stored: look "
        "at proxies and at the store itself.",
    )


def _replaced(store: ObjectStore, key: str, content: BinaryIO) -> ChecksumError | None:
    """That it is damaged still, where the store does not let it be replaced."""
    try:
        store.replace(key, content)
    except StorageError as exc:
        return damaged(key, f"{_ANOTHER_SHA256}, and it cannot be replaced: {exc.message}")
    return None


def _take_back(store: ObjectStore, key: str) -> None:
    """Functions may not delete files, and may replace them: by nothing, which has another size."""
    try:
        store.replace(key, io.BytesIO())
    except StorageError:
        log.warning("%s is damaged in %s, and is deleted there", key, store.name, exc_info=True)
        with suppress(StorageError):
            store.delete(key)


def _remove(store: ObjectStore, key: str) -> None:
    try:
        store.delete(key)
    except (ObjectLockedError, StoragePermissionError) as exc:
        raise NotReplacedError(
            f"{key} is damaged in {store.name}, and cannot be replaced: {exc.message}",
            operation="copy files",
            key=key,
            hint="No function of the stack may delete files. `supakeep copy` replaces it with credentials that "
            "may, as soon as no lock holds it.",
        ) from exc


def _named(reader: BackupReader) -> Iterator[tuple[str, int]]:
    volumes = reader.manifest.files.keys if reader.manifest.files else ()
    pieces = (piece for volume in volumes for piece in reader.whole(volume))
    lines = Lines(reader.manifest.name.file_keys_key)
    for key, size in map(key_and_size, lines.of(pieces)):
        yield key, int(size)
