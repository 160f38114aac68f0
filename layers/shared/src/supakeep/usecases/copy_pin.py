"""Give a store the pin that a backup has elsewhere: without it, the copy goes with the next prune."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from supakeep.archive.manifest import manifest_content
from supakeep.archive.pin import pinned_until
from supakeep.domain.backup_name import BackupName
from supakeep.errors import IntegrityError, StorageError
from supakeep.ports import ObjectStore
from supakeep.usecases.read_pins import pin_keys


def missing_pin(
    target: ObjectStore, stores: Sequence[ObjectStore], name: BackupName
) -> tuple[str, bytes] | None:
    """The key and the bytes of a pin for `target`: that of the first other store which has one in order.
    None where there is none, or where the target has one already. Raises the target's StorageError.
    """
    if pin_keys(target, name):
        return None
    others = (store for store in stores if store.name != target.name)
    return next((pin for store in others for pin in _in_order(store, name)), None)


def _in_order(store: ObjectStore, name: BackupName) -> Iterator[tuple[str, bytes]]:
    try:
        for key in pin_keys(store, name):
            with store.read(key) as pieces:
                content = manifest_content(pieces)
            pinned_until(content, key)
            yield key, content
    except (StorageError, IntegrityError):
        return
