"""What the lists of backups say of the objects that hold their files."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Generator, Iterable, Iterator, Sequence

from supakeep.archive.file_tree import Lines, key_and_size
from supakeep.archive.stored_object import Failure, no_right_copy, read_volume
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


def newest_lists(
    stores: Sequence[ObjectStore], project: str, now: dt.datetime, deadline: Deadline
) -> Iterator[tuple[str, str]]:
    """What the list of the newest backup that has every file says, and then the newest list of all, where
    it is another one; nothing where there is none. Raises as `listed_files` does.
    """
    found = {m.name: m for store in stores for m in _newest_with_list(store, project, now)}
    by_age = sorted(found.values(), key=lambda manifest: manifest.started_at)
    whole = [at for at, manifest in enumerate(by_age) if _has_every_file(manifest)]
    for at in sorted({*whole[-1:], *range(len(by_age))[-1:]}):
        yield from listed_files(by_age[at], stores, deadline)


def _newest_with_list(store: ObjectStore, project: str, now: dt.datetime) -> Iterator[Manifest]:
    """Down to the first that has every file."""
    try:
        for manifest in newest_first(store, project, now=now, most_reads=_MOST_READS):
            if manifest.files and manifest.files.keys:
                yield manifest
            if _has_every_file(manifest):
                return
    except StorageError:
        log.warning("The backups in %s could not be listed", store.name, exc_info=True)


def _has_every_file(manifest: Manifest) -> bool:
    files = manifest.files
    return files is not None and bool(files.keys) and files.is_whole


def _in_time(pieces: Iterable[bytes], deadline: Deadline) -> Iterator[bytes]:
    for piece in pieces:
        deadline.check()
        yield piece
