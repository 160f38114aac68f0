"""Which files the stores have already."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping

from supakeep.archive.stored_object import Failure
from supakeep.domain.file_key import FileKey, file_prefixes
from supakeep.errors import (
    ChecksumError,
    DeadlineExceededError,
    StorageError,
    SupakeepError,
)
from supakeep.ports import Deadline, ObjectStore
from supakeep.usecases.file_index import FileIndex, HeldObject
from supakeep.usecases.file_objects import damage_of
from supakeep.usecases.in_parallel import in_parallel

log = logging.getLogger(__name__)


def index_stored_files(
    index: FileIndex,
    stores: Mapping[int, ObjectStore],
    project: str,
    deadline: Deadline,
    *,
    is_encrypted: bool,
) -> dict[int, SupakeepError]:
    """Lists the stored files of each store, by its number in the index, and settles which object holds
    which file: one that is damaged holds none, and neither does one in the clear where files are encrypted.
    Returns the stores that could not be listed, of which nothing is known then.
    """
    failures: dict[int, SupakeepError] = {}
    index.clear_held()
    for number, store in stores.items():
        try:
            for prefix in file_prefixes(project):
                deadline.check()
                index.hold(number, _listed(store, prefix, is_encrypted=is_encrypted))
        except StorageError as exc:
            log.warning("The files in %s could not be listed", store.name, exc_info=True)
            failures[number] = exc
            index.release(number)
    if wrong := index.choose():
        log.warning("%s stored files have another size than they must have", wrong)
    _prove(index, stores, deadline)
    return failures


def _prove(index: FileIndex, stores: Mapping[int, ObjectStore], deadline: Deadline) -> None:
    """Reads what no backup has named yet, once: a run that was cut off has left it."""

    def look(held: tuple[int, str, int]) -> tuple[tuple[int, str, int], Failure | None]:
        deadline.check()
        return held, damage_of(stores[held[0]], held[1], deadline)

    try:
        for (number, key, size), failure in in_parallel(look, index.unproven()):
            if isinstance(failure, ChecksumError):
                log.warning("%s is damaged in %s", key, stores[number].name)
                index.reject(number, key)
            elif failure is None:
                index.expect([(key, size)])
    except DeadlineExceededError:
        index.reject_unproven()
    index.choose()


def _listed(store: ObjectStore, prefix: str, *, is_encrypted: bool) -> Iterator[HeldObject]:
    for stored in store.list(prefix):
        key = FileKey.parse(stored.key)
        if key is not None and key.is_encrypted == is_encrypted:
            yield HeldObject(key.version, stored.key, stored.size_bytes, not key.encoding)
