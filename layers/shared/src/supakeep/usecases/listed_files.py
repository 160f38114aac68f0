"""What the lists of backups say of the objects that hold their files."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Generator, Iterable, Iterator, Sequence

from supakeep.archive.file_tree import Lines, key_and_size
from supakeep.archive.reader import Failure, no_right_copy, read_volume
from supakeep.domain.manifest import Manifest
from supakeep.domain.manifest_parts import VolumeEntry
from supakeep.errors import ChecksumError, StorageError
from supakeep.ports import Deadline, ObjectStore
from supakeep.usecases.newest_good import newest_first

log = logging.getLogger(__name__)

# a backup that has a list stands among as many of the newest ones, or none is looked for
_MOST_READS = 30


def listed_files(
    manifest: Manifest, stores: Sequence[ObjectStore], deadline: Deadline
) -> Iterator[tuple[str, str]]:
    """The keys and sizes in the list of a backup, each volume from the first store that has it right. What
    a damaged list says comes too, before what the right one says. Raises ChecksumError or StorageError
    where no store has one right.
    """
    # volumes are cut anywhere, also in the middle of a line
    rest = b""
    for volume in manifest.files.keys if manifest.files else ():
        rest = yield from _volume_lines(volume, rest, stores, deadline)
    if rest:
        yield key_and_size(rest)


def _volume_lines(
    volume: VolumeEntry, rest: bytes, stores: Sequence[ObjectStore], deadline: Deadline
) -> Generator[tuple[str, str], None, bytes]:
    """Its lines, of which the first begins with `rest`; returns the next `rest`."""
    failures: dict[str, Failure] = {}
    for store in stores:
        lines = Lines(volume.key, rest)
        try:
            yield from map(key_and_size, lines.of(_in_time(read_volume(store, volume), deadline)))
        except (StorageError, ChecksumError) as exc:
            log.info("%s is not right in %s", volume.key, store.name, exc_info=True)
            failures[store.name] = exc
        else:
            return lines.rest
    raise no_right_copy(failures)


def newest_list(
    stores: Sequence[ObjectStore], project: str, now: dt.datetime, deadline: Deadline
) -> Iterator[tuple[str, str]]:
    """What the newest backup that has a list says in it; nothing where there is none. Raises as
    `listed_files` does.
    """
    found = (_newest_with_list(store, project, now) for store in stores)
    manifests = [manifest for manifest in found if manifest is not None]
    newest = max(manifests, key=lambda manifest: manifest.started_at, default=None)
    if newest is not None:
        yield from listed_files(newest, stores, deadline)


def _newest_with_list(store: ObjectStore, project: str, now: dt.datetime) -> Manifest | None:
    try:
        manifests = newest_first(store, project, now=now, most_reads=_MOST_READS)
        return next((m for m in manifests if m.files and m.files.keys), None)
    except StorageError:
        log.warning("The backups in %s could not be listed", store.name, exc_info=True)
        return None


def _in_time(pieces: Iterable[bytes], deadline: Deadline) -> Iterator[bytes]:
    for piece in pieces:
        deadline.check()
        yield piece
