"""Read one object from one store: to its end, resumed where it breaks off, compared with what was written."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence

from supakeep.archive.damage import another_copy_hint, damaged
from supakeep.domain.manifest_parts import VolumeEntry
from supakeep.errors import (
    ChecksumError,
    IntegrityError,
    ObjectNotFoundError,
    StorageError,
    StorageUnavailableError,
)
from supakeep.ports import Deadline, ObjectStore

log = logging.getLogger(__name__)

Failure = StorageError | IntegrityError
"""Why a copy of an object could not be used."""

# breaks of one object's download after which it is read on
_MOST_FAILURES = 3


def failure_of(store: ObjectStore, volume: VolumeEntry, deadline: Deadline) -> Failure | None:
    """Why this copy of a volume is not right; None where it is."""
    try:
        for _ in read_volume(store, volume):
            deadline.check()
    except (StorageError, ChecksumError) as exc:
        log.warning("%s does not give %s", store.name, volume.key, exc_info=True)
        return exc
    return None


def read_volume(store: ObjectStore, volume: VolumeEntry) -> Iterator[bytes]:
    """A volume's bytes; ChecksumError after the last piece where they are not what was written."""
    try:
        yield from compared_with(volume, read_resuming(store, volume.key))
    except ObjectNotFoundError as exc:
        raise damaged(volume.key, "it is missing") from exc


def compared_with(volume: VolumeEntry, pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The pieces; ChecksumError after the last one where they are not what was written."""
    digest, size = hashlib.sha256(), 0
    for piece in pieces:
        digest.update(piece)
        size += len(piece)
        yield piece
    if size != volume.bytes:
        why = f"it has {size:,} bytes instead of {volume.bytes:,}"
        raise damaged(volume.key, why)
    if digest.hexdigest() != volume.sha256:
        why = "its SHA-256 is not the one in the manifest"
        raise damaged(volume.key, why)


def no_right_copy(failures: Mapping[str, Failure], others: Sequence[str] | None = ()) -> Failure:
    """The first store's error; where others were asked too, what they said stands with it. `others` are
    the stores that were not asked, and None where nobody knows whether there are any.
    """
    first, *more = failures.values()
    if not more and not isinstance(first, ChecksumError):
        return first
    message = first.message
    if more:
        said = "; ".join(f"{name}: {exc.message}" for name, exc in [*failures.items()][1:])
        message = f"{message} (the other copies do not help: {said})"
    hints = [*filter(None, map(_how_to_reach, failures.values())), another_copy_hint(others)]
    hint = " ".join(dict.fromkeys(hints))
    return type(first)(message, operation=first.operation, key=first.key, hint=hint)


def _how_to_reach(failure: Failure) -> str | None:
    """The fix where a store may have the object right, and did not give it."""
    is_refused = isinstance(failure, StorageError) and not isinstance(failure, ObjectNotFoundError)
    return failure.hint if is_refused else None


def read_resuming(store: ObjectStore, key: str, start: int = 0) -> Iterator[bytes]:
    """An object's bytes from `start` on; where the connection breaks, it is opened again."""
    given, failures = start, 0
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
