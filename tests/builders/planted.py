"""Backups that somebody put into a store under the name of another one."""

from __future__ import annotations

from supakeep.archive.manifest import encode_manifest
from supakeep.archive.signature import Keyring
from supakeep.domain.manifest import Manifest
from tests.builders.backups import back_up
from tests.fakes.database import InMemoryDatabase
from tests.fakes.object_store import InMemoryObjectStore


def plant(
    store: InMemoryObjectStore,
    source: InMemoryDatabase,
    original: Manifest,
    keyring: Keyring | None = None,
) -> Manifest:
    """Puts a whole backup of `source` in the place of `original`, with its name, its times and its trigger."""
    elsewhere = InMemoryObjectStore()
    planted = back_up(source, elsewhere, name=original.name).model_copy(
        update={
            "started_at": original.started_at,
            "finished_at": original.finished_at,
            "trigger": original.trigger,
            "run": original.run,
        }
    )
    for volume in original.volumes:
        store.delete(volume.key)
    for volume in planted.volumes:
        store.place(volume.key, elsewhere.objects[volume.key])
    store.place(planted.name.manifest_key, encode_manifest(planted, keyring))
    return planted
