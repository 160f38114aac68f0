"""Read a stored backup back: whole and checked, or only one table's rows."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from contextvars import copy_context
from copy import copy
from typing import Self

from supakeep.archive.compression import UnreadableError
from supakeep.archive.damage import damaged
from supakeep.archive.decoder import Decoder
from supakeep.archive.stored_object import (
    Failure,
    compared_with,
    failure_of,
    no_right_copy,
    read_resuming,
)
from supakeep.domain.manifest import Manifest, Part, TableEntry
from supakeep.domain.manifest_parts import VolumeEntry
from supakeep.errors import (
    ChecksumError,
    StorageError,
)
from supakeep.ports import Deadline, ObjectStore

log = logging.getLogger(__name__)

# a second core hashes; each takes memory
_VOLUMES_AT_ONCE = 2


class BackupReader:
    """Reads one backup from its copies: each volume from the first store that has its bytes right.

    `stores` come in the order in which they are asked. The manifest's checksums decide, so a store
    may serve a volume although its own manifest is gone. `passed_over` says which newer backups were
    not taken, and why, where the newest was asked for; `damaged_copies` what is wrong with copies whose
    own manifest could not be used. `decoder` takes the identity of an encrypted backup. `objects` are what
    a check of every copy looks at, and `stored_manifest` what each copy's own is compared with.
    """

    def __init__(
        self,
        manifest: Manifest,
        stores: Sequence[ObjectStore],
        *,
        passed_over: Sequence[str] = (),
        damaged_copies: Sequence[str] = (),
    ) -> None:
        self.manifest = manifest
        self.stores = tuple(stores)
        self.decoder = Decoder(manifest)
        self.passed_over = tuple(passed_over)
        self._damaged_copies = tuple(damaged_copies)
        self.stored_manifest = manifest
        self.objects = manifest.objects
        self._chosen: dict[str, ObjectStore] = {}
        self._notices: dict[str, str] = {}

    @property
    def read_from(self) -> str:
        """The name of the store that is asked first."""
        return self.stores[0].name

    def described_as(self, manifest: Manifest) -> Self:
        """A reader of the same objects from the same copies, whose tables `manifest` describes."""
        other = copy(self)
        other.manifest = manifest
        return other

    def narrowed_to(self, tables: Sequence[TableEntry]) -> Self:
        """A reader of these tables only: `objects` are then those that hold no rows but theirs."""
        other = self.described_as(self.manifest.model_copy(update={"tables": tuple(tables)}))
        of_others = {volume.key for volume in self.volumes_of(self.manifest.tables)}
        of_others -= {volume.key for volume in self.volumes_of(tables)}
        other.objects = tuple(stored for stored in self.objects if stored.key not in of_others)
        return other

    def among(self, stores: Sequence[ObjectStore]) -> Self:
        """A reader of the same backup from these of its stores only."""
        other = type(self)(self.manifest, stores, passed_over=self.passed_over)
        other.decoder = self.decoder
        return other

    @property
    def notices(self) -> tuple[str, ...]:
        """A sentence for each copy, and each volume, that was not in order where it was looked for first."""
        return (*self._damaged_copies, *self.volume_notices)

    @property
    def volume_notices(self) -> tuple[str, ...]:
        """Those of the notices that are about a volume."""
        return tuple(self._notices.values())

    def volumes_of(self, entries: Iterable[TableEntry]) -> list[VolumeEntry]:
        """The volumes that hold rows of these tables."""
        numbers: set[int] = set()
        for part in (part for entry in entries for part in entry.parts):
            numbers.update(self.volume_numbers(part))
        return [self.manifest.volumes[number - 1] for number in sorted(numbers)]

    def check_volumes(self, volumes: Iterable[VolumeEntry], deadline: Deadline) -> None:
        """Reads each volume and settles which copy of it is used from now on. One that is settled is
        not read again.

        Raises ChecksumError, or a StorageError, for the first volume that no store has right.
        """
        pool = ThreadPoolExecutor(_VOLUMES_AT_ONCE, "supakeep-check")
        checks = [
            (volume, pool.submit(copy_context().run, self._first_right_copy, volume, deadline))
            for volume in volumes
            if volume.key not in self._chosen
        ]
        try:
            for volume, check in checks:
                self._settle(volume, *check.result())
        finally:
            pool.shutdown(cancel_futures=True)

    def check_every_copy(self, deadline: Deadline) -> dict[str, dict[str, Failure]]:
        """Reads each volume from every store: for each store, the failures by the volumes' keys.

        Settles which copy is used as `check_volumes` does, and raises as it does. A store that does
        not answer is not asked for the volumes after that.
        """
        found: dict[str, dict[str, Failure]] = {store.name: {} for store in self.stores}
        silent: dict[str, Failure] = {}
        for volume in self.objects:
            wrong = dict(silent)
            for store in self.stores:
                if store.name in silent:
                    continue
                failure = failure_of(store, volume, deadline)
                if failure is None:
                    self._chosen.setdefault(volume.key, store)
                    continue
                wrong[store.name] = found[store.name][volume.key] = failure
                if failure.retryable:
                    silent[store.name] = failure
            if len(wrong) == len(self.stores):
                raise self.no_right_copy(wrong)
        return found

    def read_part(self, part: Part) -> Iterator[bytes]:
        """A part's bytes; ChecksumError after the last piece where they are not what was written, and
        DecryptionError before the first one without the backup's identity.

        `check_volumes` comes first: a volume that it did not see is read from the first store.
        """
        digest, left = hashlib.sha256(), part.bytes
        for piece in self._from_offset(part):
            wanted = piece[:left]
            digest.update(wanted)
            left -= len(wanted)
            yield wanted
            if left == 0:
                break
        if left or (part.sha256 is not None and digest.hexdigest() != part.sha256):
            key = self.manifest.volumes[part.volume - 1].key
            raise self.damaged(key, "a table's rows in it are not what was written")

    def definitions(self) -> bytes:
        """The SQL of the definitions; of a backup that has none, nothing. `check_volumes` comes first."""
        definitions = self.manifest.definitions
        if definitions is None or definitions.stored is None:
            return b""
        return b"".join(self.whole_content(definitions.stored))

    def damaged(self, key: str, why: str) -> ChecksumError:
        """The error for the object `key`; `why` is a clause, as in "it is missing"."""
        others = self.manifest.other_copies(self._store_of(key).name)
        return damaged(key, why, others=others)

    def no_right_copy(self, failures: Mapping[str, Failure]) -> Failure:
        """The error where each of these stores, by their names, does not have a volume right."""
        return no_right_copy(failures, self.manifest.other_copies(*failures))

    def _settle(
        self, volume: VolumeEntry, store: ObjectStore, failures: Mapping[str, Failure]
    ) -> None:
        self._chosen[volume.key] = store
        if failures:
            why = "; ".join(f"{name}: {exc.message}" for name, exc in failures.items())
            self._notices[volume.key] = f"{volume.key} was read from {store.name}. {why}"

    def _first_right_copy(
        self, volume: VolumeEntry, deadline: Deadline
    ) -> tuple[ObjectStore, Mapping[str, Failure]]:
        """The store to read it from, and why not from those before."""
        failures: dict[str, Failure] = {}
        for store in self.stores:
            failure = failure_of(store, volume, deadline)
            if failure is None:
                return store, failures
            failures[store.name] = failure
        raise self.no_right_copy(failures)

    def rest_of(self, part: Part, volume: int) -> Part:
        """What lies of a part from the beginning of this volume on; all of it where nothing would be left."""
        before = sum(
            v.size_in_document for v in self.manifest.volumes[part.volume - 1 : volume - 1]
        )
        passed = before - part.offset
        if volume <= part.volume or passed >= part.bytes:
            return part
        rest = {"volume": volume, "offset": 0, "bytes": part.bytes - passed, "sha256": None}
        return part.model_copy(update=rest)

    def volume_numbers(self, part: Part) -> range:
        """The numbers of the volumes that it reaches into."""
        volumes = self.manifest.volumes
        number, reach = part.volume, part.offset + part.bytes
        while 1 <= number <= len(volumes) and reach > volumes[number - 1].size_in_document:
            reach -= volumes[number - 1].size_in_document
            number += 1
        if not 1 <= part.volume <= number <= len(volumes):
            raise self.damaged(
                self.manifest.name.manifest_key, "it places rows outside the volumes"
            )
        return range(part.volume, number + 1)

    def _from_offset(self, part: Part) -> Iterator[bytes]:
        skip = part.offset
        for number in self.volume_numbers(part):
            for piece in self.content(self.manifest.volumes[number - 1]):
                if skip >= len(piece):
                    skip -= len(piece)
                    continue
                yield piece[skip:] if skip else piece
                skip = 0

    def content(self, volume: VolumeEntry) -> Iterator[bytes]:
        """A volume's bytes of the document. `check_volumes` comes first."""
        return self._decoded(volume, self.stored(volume.key))

    def whole_content(self, volume: VolumeEntry) -> Iterator[bytes]:
        """The same for who has no checksum of what is in it: ChecksumError after the last of them where a
        store has given something else than when the volume was checked.
        """
        return self._decoded(volume, self.whole(volume))

    def whole(self, volume: VolumeEntry) -> Generator[bytes, None, None]:
        """A volume's bytes as they are stored; ChecksumError as in `whole_content`."""
        yield from compared_with(volume, self.stored(volume.key))

    def _decoded(
        self, volume: VolumeEntry, stored: Generator[bytes, None, None]
    ) -> Iterator[bytes]:
        try:
            with closing(self.decoder.content(volume, stored)) as pieces:
                yield from pieces
        except UnreadableError as exc:
            raise self.damaged(volume.key, str(exc)) from exc

    def stored(self, key: str) -> Generator[bytes, None, None]:
        """A volume's bytes as they are stored, from the copy that was settled; where that copy fails on the way, the
        next one is read on from there, and the part's checksum covers both.
        """
        given = 0
        copies = [self._store_of(key), *(s for s in self.stores if s is not self._store_of(key))]
        for store in copies:
            try:
                for piece in read_resuming(store, key, given):
                    given += len(piece)
                    yield piece
            except StorageError as exc:
                if store is copies[-1]:
                    raise
                self._notices[key] = f"{store.name} did not give {key} to its end: {exc.message}"
            else:
                return

    def _store_of(self, key: str) -> ObjectStore:
        return self._chosen.get(key, self.stores[0])
