"""Which files the stores have already."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping

from supakeep.domain.file_key import FileKey, file_prefixes
from supakeep.errors import StorageError, SupakeepError
from supakeep.ports import Deadline, ObjectStore
from supakeep.usecases.file_index import FileIndex, HeldObject

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
    which file: one of another size than it must have holds none, and neither does one in the clear where
    files are encrypted. Returns the stores that could not be listed, of which nothing is known then.
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
    return failures


def _listed(store: ObjectStore, prefix: str, *, is_encrypted: bool) -> Iterator[HeldObject]:
    for stored in store.list(prefix):
        key = FileKey.parse(stored.key)
        if key is not None and key.is_encrypted == is_encrypted:
            yield HeldObject(key.version, stored.key, stored.size_bytes, not key.encoding)
