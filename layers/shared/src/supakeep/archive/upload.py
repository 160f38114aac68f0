"""Puts a backup's objects into the primary store and the mirror, the manifest last."""

from __future__ import annotations

import io
import logging
from collections.abc import Mapping
from types import TracebackType
from typing import BinaryIO, Self

from supakeep.archive.manifest import encode_manifest
from supakeep.domain.manifest import BackupStatus, Manifest, Problem
from supakeep.errors import StorageError, StorageUnavailableError, SupakeepError
from supakeep.ports import ObjectStore

log = logging.getLogger(__name__)


class MirroredUpload:
    """The upload of one backup into both stores.

    The primary decides: its failures are raised. The mirror's first failure ends the mirroring of
    this backup, so that the mirror never shows a manifest whose volumes it lacks.

    As a context, it removes what it stored where an error ends the backup before its manifest is
    written. What it cannot remove is named in the error's hint, or in a note where it has none.
    """

    def __init__(self, primary: ObjectStore, mirror: ObjectStore | None) -> None:
        self._primary = primary
        self._mirror = mirror
        self._stored: list[tuple[ObjectStore, str]] = []
        self.mirror_error: StorageError | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None and self._stored and (left := self._remove_stored()):
            names = ", ".join(f"{key} in {store.name}" for store, key in left)
            _add_to(error, f"Left behind: {names}. A prune removes it after a day.")

    def spool(self, key: str) -> BinaryIO:
        """An empty file for the content of an object in this key's folder."""
        return self._primary.spool(key)

    def put(self, key: str, content: BinaryIO) -> None:
        content.seek(0)
        self._primary.put(key, content)
        self._stored.append((self._primary, key))
        content.seek(0)
        if self._put_mirror(key, content) and self._mirror is not None:
            self._stored.append((self._mirror, key))

    def commit(self, manifest: Manifest) -> Manifest:
        """Stores the manifest, in the mirror first: the primary's copy tells what became of it.

        A store that does not list every volume in its full size gets none, whatever it answered to
        the uploads; and one that does not list the manifest then has not taken it.
        """
        _confirm_volumes(self._primary, manifest)
        self._commit_mirror(manifest)
        if self.mirror_error is not None:
            problem = Problem(
                message=f"The mirror failed: {self.mirror_error.message}",
                hint=self.mirror_error.hint,
            )
            manifest = manifest.model_copy(
                update={"status": BackupStatus.PARTIAL, "mirror_error": problem}
            )
        self._put_manifest(self._primary, manifest)
        return manifest

    def _commit_mirror(self, manifest: Manifest) -> None:
        if self._mirror is None or self.mirror_error is not None:
            return
        try:
            _confirm_volumes(self._mirror, manifest)
            self._put_manifest(self._mirror, manifest)
        except StorageError as exc:
            log.exception("The mirror lacks what it was given")
            self.mirror_error = exc

    def _put_manifest(self, store: ObjectStore, manifest: Manifest) -> None:
        # from here on the backup may be whole in this store, even if the answer is lost
        self._stored = [(where, key) for where, key in self._stored if where is not store]
        key, content = manifest.name.manifest_key, encode_manifest(manifest)
        store.put(key, io.BytesIO(content))
        _confirm(store, key, {key: len(content)})

    def _put_mirror(self, key: str, content: BinaryIO) -> bool:
        if self._mirror is None or self.mirror_error is not None:
            return False
        try:
            self._mirror.put(key, content)
        except StorageError as exc:
            log.exception("The mirror did not take %s", key)
            self.mirror_error = exc
        return self.mirror_error is None

    def _remove_stored(self) -> list[tuple[ObjectStore, str]]:
        """Returns what is left, of a store that refuses all that it was not asked for yet too."""
        left: list[tuple[ObjectStore, str]] = []
        for store, key in reversed(self._stored):
            if any(store is refusing for refusing, _ in left):
                left.append((store, key))
                continue
            try:
                store.delete(key)
            except SupakeepError:
                log.warning("%s could not be removed from %s", key, store.name, exc_info=True)
                left.append((store, key))
        return left[::-1]


def _confirm_volumes(store: ObjectStore, manifest: Manifest) -> None:
    volumes = {volume.key: volume.bytes for volume in manifest.volumes}
    _confirm(store, manifest.name.document_key, volumes)


def _confirm(store: ObjectStore, prefix: str, sizes: Mapping[str, int]) -> None:
    """Raises StorageUnavailableError unless the store lists all of these in their full size."""
    stored = {found.key: found.size_bytes for found in store.list(prefix)}
    for key, size in sizes.items():
        if stored.get(key) != size:
            raise StorageUnavailableError(
                f"{key} was uploaded, and {store.name} does not hold it in full",
                operation="upload",
                key=key,
                hint="Is there a proxy in between, or has somebody deleted it? Back up again.",
            )


def _add_to(error: BaseException, sentence: str) -> None:
    if isinstance(error, SupakeepError):
        error.hint = f"{error.hint} {sentence}" if error.hint else sentence
    else:
        error.add_note(sentence)
