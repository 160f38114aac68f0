"""Copy a backup: give each store what it lacks of it, or has damaged."""

from __future__ import annotations

import io
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO

from supakeep.archive.manifest import manifest_content, parse_manifest
from supakeep.archive.stored_object import Failure, failure_of, no_right_copy, read_volume
from supakeep.domain.backup_name import FOLDER, BackupName
from supakeep.domain.copy_report import CopiedBackup, CopiedStore
from supakeep.domain.manifest import Manifest
from supakeep.domain.manifest_parts import VolumeEntry
from supakeep.domain.run import problem_of
from supakeep.errors import (
    BackupNotFoundError,
    ChecksumError,
    IntegrityError,
    ManifestError,
    ObjectAlreadyExistsError,
    StorageError,
)
from supakeep.ports import Deadline, ObjectStore, Transfers
from supakeep.usecases.copy_pin import missing_pin
from supakeep.usecases.copy_stored_files import CopyStoredFiles
from supakeep.usecases.stored_manifests import (
    NotRead,
    agreed_version,
    check_sizes,
    manifests_of,
    read_manifest,
)

log = logging.getLogger(__name__)

_Found = Manifest | NotRead


@dataclass(frozen=True)
class _Lacks:
    """What is not in order in one store. `manifest` says how its manifest is: fine where None. `pin` is
    the key and the content of a pin that other stores have.
    """

    missing: Sequence[VolumeEntry]
    damaged: Sequence[VolumeEntry]
    manifest: BackupNotFoundError | ManifestError | None
    pin: tuple[str, bytes] | None

    @property
    def volumes(self) -> list[VolumeEntry]:
        return [*self.missing, *self.damaged]


@dataclass(frozen=True)
class CopyBackup:
    """Copies between `stores`, which come in the order in which they are believed. `files` copies those of
    Storage.
    """

    stores: Sequence[ObjectStore]
    deadline: Deadline
    transfers: Transfers
    files: CopyStoredFiles | None = None

    def __call__(
        self, name: BackupName, targets: Sequence[ObjectStore], *, dry_run: bool
    ) -> CopiedBackup:
        """Makes the copy in each of the `targets` whole. An object is written only where a complete
        read has shown that it is missing or damaged, from a store that has it right, and is read back;
        the manifest comes last. What fails in one target is its problem, and the others go on.

        Raises the first store's error where no store has a manifest that can be trusted, and
        CopiesDifferError, before anything is written, where they hold different ones.
        """
        found = manifests_of(self.stores, name)
        manifest = agreed_version(found).manifest
        copied = [
            self._target(store, found[store.name], manifest, dry_run=dry_run) for store in targets
        ]
        return CopiedBackup(backup=name.text, stores=tuple(copied))

    def _target(
        self, target: ObjectStore, found: _Found, manifest: Manifest, *, dry_run: bool
    ) -> CopiedStore:
        try:
            lacks = self._lacks(target, found, manifest)
            if not dry_run:
                self._fill(target, lacks, manifest)
        except (StorageError, IntegrityError) as exc:
            log.warning("%s was not copied to %s", manifest.backup, target.name, exc_info=True)
            return CopiedStore(store=target.name, problem=problem_of(exc))
        return self._with_files(_copied(target, lacks, manifest), target, manifest, dry_run=dry_run)

    def _with_files(
        self, copied: CopiedStore, target: ObjectStore, manifest: Manifest, *, dry_run: bool
    ) -> CopiedStore:
        """Then the files: rows do not wait for them."""
        if self.files is None or not self.files.takes(target, manifest):
            return copied
        try:
            files, problem = self.files(manifest, target, dry_run=dry_run)
        except (StorageError, IntegrityError) as exc:
            log.warning("Files were not copied to %s", target.name, exc_info=True)
            return copied.model_copy(update={"problem": problem_of(exc)})
        return copied.model_copy(update={"files": files, "problem": problem})

    def _lacks(self, target: ObjectStore, found: _Found, manifest: Manifest) -> _Lacks:
        """Raises what keeps the target from being judged, or being written to."""
        if not isinstance(found, Manifest | BackupNotFoundError | ManifestError):
            raise found
        listed = {stored.key for stored in target.list(f"{FOLDER}/{manifest.name}")}
        missing = [volume for volume in manifest.objects if volume.key not in listed]
        damaged = [v for v in manifest.objects if v.key in listed and self._is_damaged(target, v)]
        pin = missing_pin(target, self.stores, manifest.name)
        return _Lacks(missing, damaged, None if isinstance(found, Manifest) else found, pin)

    def _is_damaged(self, target: ObjectStore, volume: VolumeEntry) -> bool:
        failure = failure_of(target, volume, self.deadline)
        if isinstance(failure, StorageError):
            raise failure  # nothing is known of it
        return failure is not None

    def _fill(self, target: ObjectStore, lacks: _Lacks, manifest: Manifest) -> None:
        self.transfers.expect({volume.key: volume.bytes for volume in lacks.volumes})
        if lacks.pin is not None:
            # first, so that no prune finds the backup without it
            key, content = lacks.pin
            _put_unless_there(target, key, io.BytesIO(content))
        for volume in lacks.volumes:
            self._copy_volume(volume, target, is_damaged=volume in lacks.damaged)
        if lacks.manifest is not None:
            self._copy_manifest(
                manifest, target, is_damaged=isinstance(lacks.manifest, ManifestError)
            )
        self._confirm(target, lacks, manifest)

    def _confirm(self, target: ObjectStore, lacks: _Lacks, manifest: Manifest) -> None:
        """A prune that shares no runs with this one may have removed objects meanwhile: then a manifest
        that was written must not stay, and pass for a backup.
        """
        listed = target.list(f"{FOLDER}/{manifest.name}")
        try:
            check_sizes(manifest, {s.key: s.size_bytes for s in listed}, read_from=target.name)
        except ChecksumError:
            if lacks.manifest is not None:
                target.delete(manifest.name.manifest_key)
            raise

    def _copy_volume(self, volume: VolumeEntry, target: ObjectStore, *, is_damaged: bool) -> None:
        with target.spool(volume.key) as spool:
            self._fetch(volume, spool, target)
            # only now is it certain that there is a right one to take its place
            if is_damaged and self._is_damaged(target, volume):
                target.delete(volume.key)
            spool.seek(0)
            _put_unless_there(target, volume.key, spool)
        for _ in read_volume(target, volume):
            self.deadline.check()
        self.transfers.moved(volume.key, volume.bytes, "complete")

    def _fetch(self, volume: VolumeEntry, spool: BinaryIO, target: ObjectStore) -> None:
        """Fills the spool from the first other store that has the volume right."""
        failures: dict[str, Failure] = {}
        for source in (store for store in self.stores if store.name != target.name):
            spool.seek(0)
            spool.truncate()
            try:
                for piece in read_volume(source, volume):
                    self.deadline.check()
                    spool.write(piece)
                    self.transfers.moved(volume.key, spool.tell(), "running")
            except (StorageError, ChecksumError) as exc:
                failures[source.name] = exc
            else:
                return
        raise no_right_copy(failures)

    def _copy_manifest(self, manifest: Manifest, target: ObjectStore, *, is_damaged: bool) -> None:
        content = self._stored_manifest(manifest, target)
        key = manifest.name.manifest_key
        if is_damaged and isinstance(_stored(target, manifest), ManifestError):
            target.delete(key)
        _put_unless_there(target, key, io.BytesIO(content))
        read_manifest(target, manifest.name)

    def _stored_manifest(self, manifest: Manifest, target: ObjectStore) -> bytes:
        """The bytes of the believed manifest, as they are stored: another version may write others."""
        key = manifest.name.manifest_key
        failures: dict[str, Failure] = {}
        for source in (store for store in self.stores if store.name != target.name):
            try:
                with source.read(key) as pieces:
                    content = manifest_content(pieces)
                if parse_manifest(content, key) == manifest:
                    return content
            except (StorageError, IntegrityError) as exc:
                failures[source.name] = exc
        if failures:
            raise no_right_copy(failures)
        raise StorageError(
            f"{key} was replaced while it was copied",
            operation="copy",
            key=key,
            hint="Try it again.",
        )


def _put_unless_there(target: ObjectStore, key: str, content: BinaryIO) -> None:
    """Another copy at work may have written it since: whoever calls reads what is there."""
    try:
        target.put(key, content)
    except ObjectAlreadyExistsError:
        log.info("%s is in %s by now", key, target.name)


def _stored(target: ObjectStore, manifest: Manifest) -> Manifest | NotRead:
    return manifests_of([target], manifest.name)[target.name]


def _copied(target: ObjectStore, lacks: _Lacks, manifest: Manifest) -> CopiedStore:
    key = manifest.name.manifest_key
    lost = isinstance(lacks.manifest, BackupNotFoundError)
    broken = isinstance(lacks.manifest, ManifestError)
    return CopiedStore(
        store=target.name,
        written=(
            *(volume.key for volume in lacks.missing),
            *([key] if lost else []),
            *([lacks.pin[0]] if lacks.pin else []),
        ),
        replaced=(*(volume.key for volume in lacks.damaged), *([key] if broken else [])),
        bytes=sum(volume.bytes for volume in lacks.volumes),
    )
