"""Pin a backup in each store that holds it, so that no rule removes it, and unpin it again."""

from __future__ import annotations

import datetime as dt
import io
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count

from supakeep.archive.pin import encode_pin
from supakeep.archive.signature import Keyring
from supakeep.domain.backup_name import BackupName
from supakeep.domain.pin import Pin, require_future
from supakeep.domain.pin_report import PinnedStore, PinReport
from supakeep.domain.run import problem_of
from supakeep.errors import StorageError
from supakeep.ports import ObjectStore
from supakeep.usecases.read_pins import pin_keys, read_pin
from supakeep.usecases.stored_manifests import has_manifest, no_such_backup

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class PinBackup:
    """Writes pins that `keyring` signs. Whoever calls it keeps prunes away meanwhile."""

    keyring: Keyring | None

    def __call__(
        self,
        name: BackupName,
        stores: Sequence[ObjectStore],
        *,
        until: dt.date | None,
        now: dt.datetime,
    ) -> PinReport:
        """Pins the backup through the day `until`, or without an end, in place of its earlier pins. What
        fails in one store is its problem, and the others go on.

        Raises BackupNotFoundError where no store holds it, InvalidRequestError for a day that is over,
        and the first store's error where it was pinned nowhere.
        """
        require_future(until, now)
        content = encode_pin(name.text, until, now, self.keyring)

        def pin(store: ObjectStore) -> PinnedStore:
            if not has_manifest(store, name):
                return PinnedStore(store=store.name, state="absent")
            kept = _written(store, name, content, until)
            if not has_manifest(store, name):
                # a prune that had another lease, or none, was faster
                store.delete(kept)
                return PinnedStore(store=store.name, state="absent")
            return _without_others(store, name, kept)

        return _report(name, stores, pin, until)


def unpin_backup(name: BackupName, stores: Sequence[ObjectStore]) -> PinReport:
    """Deletes every pin of the backup, also one that cannot be read. Raises as PinBackup does."""

    def unpin(store: ObjectStore) -> PinnedStore:
        keys = pin_keys(store, name)
        for key in keys:
            store.delete(key)
            log.info("%s was removed from %s", key, store.name)
        return PinnedStore(store=store.name, state="unpinned" if keys else "absent")

    return _report(name, stores, unpin)


def _written(store: ObjectStore, name: BackupName, content: bytes, until: dt.date | None) -> str:
    """The key of a pin until this day, after writing it where there is none.

    It is written beside an earlier one, which goes afterwards: whatever fails between the two, the
    backup is never without a pin.
    """
    keys, wanted = pin_keys(store, name), Pin(store=store.name, until=until)
    same = next((key for key in keys if read_pin(store, key) == wanted), None)
    if same is not None:
        return same
    free = next(key for number in count(1) if (key := name.pin_key(number)) not in keys)
    store.put(free, io.BytesIO(content))
    log.info("%s was written to %s", free, store.name)
    return free


def _without_others(store: ObjectStore, name: BackupName, kept: str) -> PinnedStore:
    try:
        for key in pin_keys(store, name):
            if key != kept:
                store.delete(key)
    except StorageError as exc:
        log.warning("An earlier pin of %s stays in %s", name, store.name, exc_info=True)
        return PinnedStore(store=store.name, state="pinned", problem=problem_of(exc))
    return PinnedStore(store=store.name, state="pinned")


def _report(
    name: BackupName,
    stores: Sequence[ObjectStore],
    change: Callable[[ObjectStore], PinnedStore],
    until: dt.date | None = None,
) -> PinReport:
    changed: list[PinnedStore] = []
    failures: list[StorageError] = []
    for store in stores:
        try:
            changed.append(change(store))
        except StorageError as exc:
            log.warning("%s of %s failed", name, store.name, exc_info=True)
            failures.append(exc)
            changed.append(PinnedStore(store=store.name, state="failed", problem=problem_of(exc)))
    states = {store.state for store in changed}
    if failures and states <= {"failed", "absent"}:
        raise failures[0]
    if states == {"absent"} and not any(has_manifest(store, name) for store in stores):
        raise no_such_backup(name.text)
    return PinReport(backup=name.text, until=until, stores=tuple(changed))
