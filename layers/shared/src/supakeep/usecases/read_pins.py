"""Read the pins that lie beside backups."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from supakeep.archive.manifest import manifest_content
from supakeep.archive.pin import pinned_until
from supakeep.domain.backup_name import FOLDER, BackupName, ObjectName
from supakeep.domain.pin import Pin, joined
from supakeep.errors import IntegrityError, StorageError
from supakeep.ports import ObjectStore


def read_pins(store: ObjectStore, keys: Iterable[str]) -> dict[BackupName, Pin]:
    """The pins among the objects that a listing of this store has, by the backups' names."""
    found: dict[BackupName, list[Pin]] = {}
    for key in keys:
        parsed = ObjectName.parse(key)
        if parsed is not None and parsed.is_pin:
            found.setdefault(parsed.backup, []).append(read_pin(store, key))
    return {name: pin for name, pins in found.items() if (pin := joined(pins)) is not None}


def read_pin(store: ObjectStore, key: str) -> Pin:
    """The pin under this key. One that cannot be read keeps its backup, and says why."""
    try:
        with store.read(key) as pieces:
            until = pinned_until(manifest_content(pieces), key)
    except (StorageError, IntegrityError) as exc:
        return Pin(store=store.name, problem=exc.message)
    return Pin(store=store.name, until=until)


def pins_of(stores: Sequence[ObjectStore], name: BackupName) -> tuple[Pin, ...]:
    """The pins of one backup, in the order of the stores. Where a store cannot be listed, nothing is
    known of it, and that is its pin's problem.
    """
    pins: list[Pin] = []
    for store in stores:
        try:
            keys = pin_keys(store, name)
        except StorageError as exc:
            pins.append(Pin(store=store.name, problem=exc.message))
        else:
            pins += read_pins(store, keys).values()
    return tuple(pins)


def pin_keys(store: ObjectStore, name: BackupName) -> list[str]:
    """Where the pins of one backup lie in this store. Raises StorageError."""
    # a day's name also begins those of its other backups
    own = ObjectName(name, is_manifest=False, is_pin=True)
    listed = store.list(f"{FOLDER}/{name}")
    return [stored.key for stored in listed if ObjectName.parse(stored.key) == own]
