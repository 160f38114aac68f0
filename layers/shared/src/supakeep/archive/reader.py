"""Read a stored document back: whole and checked, or one table's rows alone."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Iterator

from supakeep.domain.manifest import Manifest, Part, TableEntry, VolumeEntry
from supakeep.errors import ChecksumError, ObjectNotFoundError, StorageUnavailableError
from supakeep.ports import Deadline, ObjectStore

log = logging.getLogger(__name__)

# breaks of one object's download that are mended
_MOST_FAILURES = 3


def read_volume(store: ObjectStore, volume: VolumeEntry) -> Iterator[bytes]:
    """A volume's bytes; ChecksumError after the last piece where they are not what was written."""
    digest, size = hashlib.sha256(), 0
    try:
        for piece in _read_resuming(store, volume.key):
            digest.update(piece)
            size += len(piece)
            yield piece
    except ObjectNotFoundError as exc:
        raise damaged(volume.key, "it is missing") from exc
    if size != volume.bytes:
        raise damaged(volume.key, f"it has {size:,} bytes instead of {volume.bytes:,}")
    if digest.hexdigest() != volume.sha256:
        raise damaged(volume.key, "its SHA-256 is not the one in the manifest")


def read_volumes(store: ObjectStore, volumes: Iterable[VolumeEntry]) -> Iterator[bytes]:
    """The bytes of one volume after the other, each checked at its end as by `read_volume`."""
    for volume in volumes:
        yield from read_volume(store, volume)


def check_volumes(store: ObjectStore, volumes: Iterable[VolumeEntry], deadline: Deadline) -> None:
    """Reads every volume and compares its checksum; ChecksumError for the first that differs."""
    for _ in read_volumes(store, volumes):
        deadline.check()


def volumes_of(manifest: Manifest, entries: Iterable[TableEntry]) -> list[VolumeEntry]:
    """The volumes that hold rows of these tables."""
    numbers: set[int] = set()
    for part in (part for entry in entries for part in entry.parts):
        numbers.update(_volume_numbers(manifest, part))
    return [manifest.volumes[number - 1] for number in sorted(numbers)]


def read_part(store: ObjectStore, manifest: Manifest, part: Part) -> Iterator[bytes]:
    """A part's bytes; ChecksumError after the last piece where they are not what was written."""
    digest, left = hashlib.sha256(), part.bytes
    for piece in _from_offset(store, manifest, part):
        wanted = piece[:left]
        digest.update(wanted)
        left -= len(wanted)
        yield wanted
        if left == 0:
            break
    if left or digest.hexdigest() != part.sha256:
        raise damaged(
            manifest.volumes[part.volume - 1].key, "a table's rows in it are not what was written"
        )


def damaged(key: str, why: str) -> ChecksumError:
    """The error for the object `key`; `why` is a clause, as in "it is missing"."""
    return ChecksumError(
        f"{key} is damaged: {why}",
        operation="read document",
        key=key,
        hint="Use the mirror's copy (--from mirror) or another backup; `supakeep list` shows them.",
    )


def _volume_numbers(manifest: Manifest, part: Part) -> range:
    number, reach = part.volume, part.offset + part.bytes
    while number <= len(manifest.volumes) and reach > manifest.volumes[number - 1].bytes:
        reach -= manifest.volumes[number - 1].bytes
        number += 1
    if not 1 <= part.volume <= number <= len(manifest.volumes):
        raise damaged(manifest.name.manifest_key, "it places rows outside the volumes")
    return range(part.volume, number + 1)


def _from_offset(store: ObjectStore, manifest: Manifest, part: Part) -> Iterator[bytes]:
    skip = part.offset
    for number in _volume_numbers(manifest, part):
        for piece in _read_resuming(store, manifest.volumes[number - 1].key):
            if skip >= len(piece):
                skip -= len(piece)
                continue
            yield piece[skip:] if skip else piece
            skip = 0


def _read_resuming(store: ObjectStore, key: str) -> Iterator[bytes]:
    """An object's bytes; where the connection breaks, it is read again up to there and on."""
    given = failures = 0
    while True:
        passed = 0
        try:
            with store.read(key) as pieces:
                for piece in pieces:
                    fresh = piece[max(0, given - passed) :]
                    passed += len(piece)
                    given += len(fresh)
                    if fresh:
                        yield fresh
                return
        except StorageUnavailableError:
            failures += 1
            if failures > _MOST_FAILURES:
                raise
            log.warning("Reading %s broke off after %s bytes", key, given, exc_info=True)
