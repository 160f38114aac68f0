"""Puts a backup's objects into the primary store and its copies, the manifests last."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from contextvars import copy_context
from types import TracebackType
from typing import BinaryIO, Self

from supakeep.archive.manifest import encode_manifest
from supakeep.archive.read_back import ReadBack
from supakeep.archive.shared_file import shared_file
from supakeep.archive.signature import Keyring
from supakeep.domain.backup_name import FOLDER
from supakeep.domain.manifest import BackupStatus, CopyState, Manifest
from supakeep.domain.manifest_parts import Problem, VolumeEntry
from supakeep.errors import (
    ChecksumError,
    IntegrityError,
    StorageError,
    StorageUnavailableError,
    SupakeepError,
)
from supakeep.ports import ObjectStore

log = logging.getLogger(__name__)


class BackupUpload:
    """The upload of one backup into every store, at the same time.

    The primary decides: its failures are raised. A copy's first failure ends that copy of this backup,
    so that it never shows a manifest whose volumes it lacks; the other copies go on. With `read_back`
    each store must also give back what it took.

    As a context, it removes what it stored where an error ends the backup before its manifest is
    written. What it cannot remove is named in the error's hint, or in a note where it has none.
    """

    def __init__(
        self,
        primary: ObjectStore,
        copies: Sequence[ObjectStore],
        read_back: ReadBack | None = None,
        keyring: Keyring | None = None,
    ) -> None:
        self._primary = primary
        self._copies = tuple(copies)
        self._read_back = read_back
        self._keyring = keyring
        self._failures: dict[str, StorageError | IntegrityError] = {}
        self._stored: list[tuple[ObjectStore, str]] = []
        self._pool = ThreadPoolExecutor(max(1, len(copies)), "supakeep-copy")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._pool.shutdown()
        if self._read_back is not None:
            self._read_back.close()
        if error is not None and self._stored and (left := self._remove_stored()):
            names = ", ".join(f"{key} in {store.name}" for store, key in left)
            _add_to(error, f"Left behind: {names}. A prune removes it after a day.")

    def spool(self, key: str) -> BinaryIO:
        """An empty file for the content of an object in this key's folder."""
        return self._primary.spool(key)

    def put(self, volume: VolumeEntry, content: BinaryIO) -> None:
        """Stores one volume, and then reads it back in threads."""
        self._put(volume.key, content)
        if self._read_back is not None:
            for store in (self._primary, *self._copies):
                if store.name not in self._failures:
                    self._read_back.begin(store, volume)

    def _put(self, key: str, content: BinaryIO) -> None:
        """The first object claims the backup's name in the primary before a copy gets anything: of two
        backups of one name, the one that loses leaves the copies to the other.
        """
        content.seek(0)
        content.flush()
        if not self._stored:
            self._put_primary(key, content)
            self._end(self._begin(lambda store: _put_shared(store, key, content)), key)
            return
        copying = self._begin(lambda store: _put_shared(store, key, content))
        try:
            self._put_primary(key, content)
        finally:
            # they read the file, which the caller closes
            self._end(copying, key)

    def commit(self, manifest: Manifest) -> Manifest:
        """Stores the manifests, the primary's last: it tells what became of the copies.

        A store that does not list every volume in its full size, or does not give one back as it was,
        gets none, whatever it answered to the uploads; and one that does not list the manifest then,
        or does not give it back as it was, has not taken it.
        """
        confirming = self._begin(lambda store: _confirm_volumes(store, manifest))
        try:
            _confirm_volumes(self._primary, manifest)
        finally:
            self._end(confirming)
        self._judge_read_back()
        known = self._with_copies(manifest)
        # from here on the backup may be whole in a store, even if the answer is lost
        self._stored = [
            (store, key)
            for store, key in self._stored
            if store is self._primary or store.name in self._failures
        ]
        self._end(self._begin(lambda store: self._put_manifest(store, known)))
        manifest = self._with_copies(manifest)
        self._stored = []
        self._put_manifest(self._primary, manifest)
        return manifest

    def _judge_read_back(self) -> None:
        if self._read_back is None:
            return
        for store, problem in self._read_back.problems():
            if store is self._primary:
                raise problem
            self._failures.setdefault(store.name, problem)

    def _with_copies(self, manifest: Manifest) -> Manifest:
        """The manifest with what is known of each copy by now."""
        states = tuple(
            CopyState(name=store.name, problem=self._problem(store)) for store in self._copies
        )
        partial = {"status": BackupStatus.PARTIAL} if self._failures else {}
        return manifest.model_copy(update={"copies": states, **partial})

    def _problem(self, store: ObjectStore) -> Problem | None:
        failure = self._failures.get(store.name)
        if failure is None:
            return None
        message = f"The copy in {store.name} failed: {failure.message}"
        return Problem(message=message, hint=failure.hint)

    def _begin(self, step: Callable[[ObjectStore], None]) -> dict[ObjectStore, Future[None]]:
        """Does the step for each copy that has not failed, each in a thread of its own."""
        return {
            store: self._pool.submit(copy_context().run, step, store)
            for store in self._copies
            if store.name not in self._failures
        }

    def _end(self, steps: Mapping[ObjectStore, Future[None]], key: str | None = None) -> None:
        """Waits for the copies; those that took the object `key` hold it from now on."""
        wait(steps.values())
        for store, step in steps.items():
            try:
                step.result()
            except (StorageError, ChecksumError) as exc:
                log.exception("The copy in %s failed", store.name)
                self._failures[store.name] = exc
            else:
                self._stored += [(store, key)] if key else []

    def _put_primary(self, key: str, content: BinaryIO) -> None:
        self._primary.put(key, content)
        self._stored.append((self._primary, key))

    def _put_manifest(self, store: ObjectStore, manifest: Manifest) -> None:
        key, content = manifest.name.manifest_key, encode_manifest(manifest, self._keyring)
        store.put(key, io.BytesIO(content))
        _confirm(store, key, {key: len(content)})
        if self._read_back is not None:
            self._prove_manifest(self._read_back, store, key, content)

    def _prove_manifest(
        self, read_back: ReadBack, store: ObjectStore, key: str, content: bytes
    ) -> None:
        try:
            read_back.prove(store, key, content)
        except ChecksumError:
            # it would be shown as a damaged backup, and kept for a look by hand
            with suppress(StorageError):
                store.delete(key)
            raise

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


def _put_shared(store: ObjectStore, key: str, content: BinaryIO) -> None:
    with shared_file(content) as own:
        store.put(key, own)


def _confirm_volumes(store: ObjectStore, manifest: Manifest) -> None:
    volumes = {volume.key: volume.bytes for volume in manifest.objects}
    _confirm(store, f"{FOLDER}/{manifest.name}.", volumes)


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
