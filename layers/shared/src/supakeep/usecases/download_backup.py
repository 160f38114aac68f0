"""Download a backup: every object of it into another store, each one checked on the way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from pydantic import BaseModel, ConfigDict

from supakeep.archive.manifest import manifest_content, parse_manifest
from supakeep.archive.reader import BackupReader
from supakeep.archive.stored_object import Failure, read_volume
from supakeep.domain.copy_versions import is_same_backup
from supakeep.domain.manifest import Manifest
from supakeep.domain.manifest_parts import VolumeEntry
from supakeep.errors import (
    BackupNotFoundError,
    ChecksumError,
    IntegrityError,
    StorageError,
    UnsafeOperationError,
)
from supakeep.ports import ObjectStore, Transfers
from supakeep.usecases.stored_manifests import read_manifest


class DownloadReport(BaseModel):
    """What was downloaded. `read_from` are the stores that gave an object; `already_there` counts the
    objects that the target held in order before. `warnings` say which copies were not.
    """

    model_config = ConfigDict(frozen=True)

    backup: str
    to: str
    read_from: tuple[str, ...]
    objects: int
    already_there: int
    bytes: int
    warnings: tuple[str, ...] = ()


@dataclass
class DownloadBackup:
    """Copies the objects of one backup into `target`, the manifest last, so that a download which
    broke off is not taken for a backup, and goes on with the objects that are missing.
    """

    target: ObjectStore
    transfers: Transfers
    _sources: list[str] = field(default_factory=list)
    _warnings: list[str] = field(default_factory=list)

    def __call__(self, reader: BackupReader) -> DownloadReport:
        """Raises UnsafeOperationError where the target holds another backup of this name, and the
        first store's error for an object that no store has right.
        """
        manifest = reader.manifest
        has_manifest = self._holds_manifest(manifest)
        self.transfers.expect({volume.key: volume.bytes for volume in manifest.objects})
        kept = sum(self._fetch(volume, reader) for volume in manifest.objects)
        if not has_manifest:
            self._put_manifest(reader)
        return DownloadReport(
            backup=manifest.backup,
            to=self.target.name,
            read_from=tuple(dict.fromkeys(self._sources)),
            objects=len(manifest.objects) + 1,
            already_there=kept + has_manifest,
            bytes=manifest.size_bytes,
            warnings=(*reader.passed_over, *reader.notices, *self._warnings),
        )

    def _holds_manifest(self, manifest: Manifest) -> bool:
        try:
            there = read_manifest(self.target, manifest.name)
        except (BackupNotFoundError, IntegrityError):
            return False
        if is_same_backup(there, manifest):
            return True
        raise UnsafeOperationError(
            f"{self.target.name} holds another backup named {manifest.backup}",
            operation="download",
            key=manifest.name.manifest_key,
            hint="Name another folder; this one was left as it is.",
        )

    def _fetch(self, volume: VolumeEntry, reader: BackupReader) -> bool:
        """Whether the object was there already."""
        if _is_right(self.target, volume):
            self.transfers.moved(volume.key, volume.bytes, "already there")
            return True
        failures: dict[str, Failure] = {}
        for store in reader.stores:
            try:
                self._copy(volume, store)
            except _NotReadError as exc:
                failures[store.name] = exc.failure
                continue
            self._sources.append(store.name)
            self._warnings += [failure.message for failure in failures.values()]
            self.transfers.moved(volume.key, volume.bytes, "complete")
            return False
        raise reader.no_right_copy(failures)

    def _copy(self, volume: VolumeEntry, store: ObjectStore) -> None:
        with self.target.spool(volume.key) as spool:
            moved = 0
            for piece in _pieces(store, volume):
                spool.write(piece)
                moved += len(piece)
                self.transfers.moved(volume.key, moved, "running")
            self._publish(volume.key, spool)

    def _publish(self, key: str, spool: BinaryIO) -> None:
        """Puts the object in the place of one that was cut short or damaged, if there is one."""
        self.target.delete(key)
        spool.seek(0)
        self.target.put(key, spool)

    def _put_manifest(self, reader: BackupReader) -> None:
        """As its store has it, byte for byte: it may have fields that this version does not know."""
        key, store = reader.manifest.name.manifest_key, reader.stores[0]
        with store.read(key) as pieces:
            content = manifest_content(pieces)
        parse_manifest(content, key)
        with self.target.spool(key) as spool:
            spool.write(content)
            self._publish(key, spool)
        self._sources.append(store.name)


class _NotReadError(Exception):
    """A copy that cannot be used; errors of the target are not of this kind."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(str(failure))
        self.failure = failure


def _pieces(store: ObjectStore, volume: VolumeEntry) -> Iterator[bytes]:
    try:
        yield from read_volume(store, volume)
    except (StorageError, ChecksumError) as exc:
        raise _NotReadError(exc) from exc


def _is_right(store: ObjectStore, volume: VolumeEntry) -> bool:
    try:
        _exhaust(read_volume(store, volume))
    except (StorageError, ChecksumError):
        return False
    return True


def _exhaust(pieces: Iterator[bytes]) -> None:
    for _ in pieces:
        pass
