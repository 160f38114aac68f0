"""The volumes that take the place of a backup's own when rows are erased from it."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import BinaryIO, Self

from supakeep.archive.manifest import encode_manifest, manifest_content
from supakeep.archive.signature import Keyring
from supakeep.archive.stored_object import Failure, failure_of, read_volume
from supakeep.domain.backup_name import FOLDER, BackupName, ObjectName, is_volume
from supakeep.domain.manifest import Manifest
from supakeep.domain.manifest_parts import VolumeEntry
from supakeep.errors import (
    AlteredAnswerError,
    ChecksumError,
    IntegrityError,
    StorageError,
    StorageUnavailableError,
)
from supakeep.ports import Deadline, ObjectStore, StoredObject

log = logging.getLogger(__name__)


class ErasedVolumes:
    """Takes each volume into every one of `stores`, and reads it back. A store that fails is in `failures` from
    then on, and the others go on; the last one's failure is raised.

    As a context, it removes what it stored where an error ends it.
    """

    def __init__(self, stores: Sequence[ObjectStore], deadline: Deadline) -> None:
        self.failures: dict[str, Failure] = {}
        self._stores = tuple(stores)
        self._deadline = deadline
        self._stored: list[tuple[ObjectStore, str]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            return
        for store, key in self._stored:
            try:
                store.delete(key)
            except StorageError:
                log.warning("%s could not be removed from %s", key, store.name, exc_info=True)

    def spool(self, key: str) -> BinaryIO:
        return self._stores[0].spool(key)

    def put(self, volume: VolumeEntry, content: BinaryIO) -> None:
        for store in self._stores:
            if store.name in self.failures:
                continue
            try:
                self._put(store, volume, content)
            except (StorageError, ChecksumError) as exc:
                log.warning("%s did not take %s", store.name, volume.key, exc_info=True)
                self.failures[store.name] = exc
                if len(self.failures) == len(self._stores):
                    raise

    def _put(self, store: ObjectStore, volume: VolumeEntry, content: BinaryIO) -> None:
        content.seek(0)
        content.flush()
        # before it is there: an answer may be lost
        self._stored.append((store, volume.key))
        store.put(volume.key, content)
        for _ in read_volume(store, volume):
            self._deadline.check()


def bring_volumes(
    manifest: Manifest, source: ObjectStore, target: ObjectStore, deadline: Deadline
) -> None:
    """Gives `target` the volumes of the manifest that it does not have right, from `source`."""
    for volume in manifest.volumes:
        if failure_of(target, volume, deadline) is None:
            continue
        with target.spool(volume.key) as spool:
            for piece in read_volume(source, volume):
                deadline.check()
                spool.write(piece)
            target.delete(volume.key)
            spool.seek(0)
            target.put(volume.key, spool)
        for _ in read_volume(target, volume):
            deadline.check()


def replace_manifest(store: ObjectStore, manifest: Manifest, keyring: Keyring | None) -> None:
    """The moment from which on the backup in this store is without the rows: its volumes are there. A store that
    does not give the manifest back gets it once more. Raises StorageError.
    """
    key, content = manifest.name.manifest_key, encode_manifest(manifest, keyring)
    for _ in range(2):
        store.replace(key, io.BytesIO(content))
        if _gives_back(store, key, content):
            return
    raise StorageUnavailableError(
        f"{key} was replaced, and {store.name} does not give it back as it was written",
        operation="erase",
        key=key,
        hint="Is there a proxy or a cache in between? Erase again. `supakeep verify` says whether the backup is "
        "still good there, and `supakeep copy` brings it from a copy that has it right.",
    )


def _gives_back(store: ObjectStore, key: str, content: bytes) -> bool:
    try:
        with store.read(key) as pieces:
            return manifest_content(pieces) == content
    except (AlteredAnswerError, IntegrityError):
        log.warning("%s does not give %s back as it was written", store.name, key, exc_info=True)
        return False


def volumes_beside(store: ObjectStore, manifest: Manifest) -> list[str]:
    """The keys of volumes that lie beside the backup and are none of its own. Raises StorageError."""
    return beside(manifest, _objects(store, manifest.name))


def beside(manifest: Manifest, stored: Iterable[StoredObject]) -> list[str]:
    """The same among the objects of the backup that were listed."""
    own = {volume.key for volume in manifest.volumes}
    return [s.key for s in stored if is_volume(s.key) and s.key not in own]


def next_number(stores: Sequence[ObjectStore], name: BackupName) -> int:
    """A number of volumes that is not taken in any of the stores, and no higher one is."""
    keys = (stored.key for store in stores for stored in _objects(store, name))
    numbers = (key.rpartition(".")[2] for key in keys if is_volume(key))
    return max((int(number) for number in numbers if number.isdecimal()), default=0) + 1


def _objects(store: ObjectStore, name: BackupName) -> list[StoredObject]:
    listed = store.list(f"{FOLDER}/{name}.")
    return [s for s in listed if (o := ObjectName.parse(s.key)) is not None and o.backup == name]
