"""Cuts a document into volumes and stores them, in the primary store and in the mirror."""

from __future__ import annotations

import hashlib
import io
import logging
import tempfile
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import BinaryIO, Self, cast

from supakeep.archive.manifest import encode_manifest
from supakeep.domain.backup_name import BackupName
from supakeep.domain.manifest import BackupStatus, Manifest, Problem, VolumeEntry
from supakeep.errors import StorageError, StorageUnavailableError
from supakeep.ports import ObjectStore

log = logging.getLogger(__name__)


class MirroredUpload:
    """Puts a backup's objects into both stores.

    The primary decides: its failures are raised. The mirror's first failure ends the mirroring of
    this backup, so that the mirror never shows a manifest whose volumes it lacks.
    """

    def __init__(self, primary: ObjectStore, mirror: ObjectStore | None) -> None:
        self._primary = primary
        self._mirror = mirror
        self.mirror_error: StorageError | None = None

    def put(self, key: str, content: BinaryIO) -> None:
        content.seek(0)
        self._primary.put(key, content)
        content.seek(0)
        self._put_mirror(key, content)

    def commit(self, manifest: Manifest) -> Manifest:
        """Stores the manifest, in the mirror first: the primary's copy tells what became of it.

        A store that does not list every volume in its full size gets none, whatever it answered to
        the uploads.
        """
        key = manifest.name.manifest_key
        _confirm(self._primary, manifest)
        self._confirm_mirror(manifest)
        self._put_mirror(key, io.BytesIO(encode_manifest(manifest)))
        if self.mirror_error is not None:
            problem = Problem(
                message=f"The mirror failed: {self.mirror_error.message}",
                hint=self.mirror_error.hint,
            )
            manifest = manifest.model_copy(
                update={"status": BackupStatus.PARTIAL, "mirror_error": problem}
            )
        self._primary.put(key, io.BytesIO(encode_manifest(manifest)))
        return manifest

    def _confirm_mirror(self, manifest: Manifest) -> None:
        if self._mirror is None or self.mirror_error is not None:
            return
        try:
            _confirm(self._mirror, manifest)
        except StorageError as exc:
            log.exception("The mirror lacks what it was given")
            self.mirror_error = exc

    def _put_mirror(self, key: str, content: BinaryIO) -> None:
        if self._mirror is None or self.mirror_error is not None:
            return
        try:
            self._mirror.put(key, content)
        except StorageError as exc:
            log.exception("The mirror did not take %s", key)
            self.mirror_error = exc


def _confirm(store: ObjectStore, manifest: Manifest) -> None:
    listing = store.list(manifest.name.document_key)
    stored = {found.key: found.size_bytes for found in listing}
    for volume in manifest.volumes:
        if stored.get(volume.key) != volume.bytes:
            raise StorageUnavailableError(
                f"{volume.key} was uploaded, and {store.name} does not hold it in full",
                operation="upload",
                key=volume.key,
                hint="Is there a proxy in between, or has somebody deleted it? Back up again.",
            )


class VolumeWriter:
    """A byte sink that ends a volume exactly every `max_bytes`.

    A volume is spooled to disk while it fills and hashed as it passes, and stored while the next
    one fills. A document that fits into one object is stored under its plain name, without a number.
    The context waits for what is under way and removes the spool files.
    """

    def __init__(self, upload: MirroredUpload, name: BackupName, max_bytes: int) -> None:
        self._upload = upload
        self._name = name
        self._max_bytes = max_bytes
        self._entries: list[VolumeEntry] = []
        self._storing: Future[None] | None = None
        self._pool = ThreadPoolExecutor(1, "supakeep-store")
        self._begin()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._pool.shutdown()
        self._spool.close()

    @property
    def position(self) -> tuple[int, int]:
        """Where the next byte goes: the volume's number (from 1) and the offset in it."""
        if self._size == self._max_bytes:
            return len(self._entries) + 2, 0
        return len(self._entries) + 1, self._size

    def write(self, content: bytes) -> None:
        view = memoryview(content)
        while view:
            if self._size == self._max_bytes:
                self._store(self._name.volume_key(len(self._entries) + 1))
                self._begin()
            piece = view[: self._max_bytes - self._size]
            self._spool.write(piece)
            self._hash.update(piece)
            self._size += len(piece)
            view = view[len(piece) :]

    def finish(self) -> tuple[VolumeEntry, ...]:
        """Stores what is left and returns all volumes in order."""
        number = len(self._entries) + 1
        self._store(self._name.document_key if number == 1 else self._name.volume_key(number))
        self._wait()
        return tuple(self._entries)

    def _begin(self) -> None:
        self._spool = cast(BinaryIO, tempfile.TemporaryFile(prefix="supakeep-volume-"))  # noqa: SIM115
        self._hash = hashlib.sha256()
        self._size = 0

    def _store(self, key: str) -> None:
        # one at a time: no more than two spool files, and no volume after one that failed
        self._wait()
        self._entries.append(VolumeEntry(key=key, bytes=self._size, sha256=self._hash.hexdigest()))
        self._storing = self._pool.submit(self._upload_spool, key, self._spool)

    def _upload_spool(self, key: str, spool: BinaryIO) -> None:
        with spool:
            spool.flush()
            self._upload.put(key, spool)

    def _wait(self) -> None:
        """Raises what the store said of the volume before."""
        if self._storing is not None:
            self._storing.result()
