"""Makes backups of past days from one of today, in every store that holds it."""

from __future__ import annotations

import datetime as dt
import io
from typing import TYPE_CHECKING

from supakeep.archive.manifest import encode_manifest
from supakeep.domain.backup_name import BackupName
from supakeep.domain.manifest import Definitions

if TYPE_CHECKING:
    from supakeep.archive.signature import Keyring
    from supakeep.domain.manifest import Manifest
    from supakeep.ports import ObjectStore


def age(store: ObjectStore, manifest: Manifest, days: int, keyring: Keyring) -> BackupName:
    """Copies a backup under the name that it would have had `days` ago, objects and manifest, and signs it."""
    shift = dt.timedelta(days=days)
    name = BackupName.daily(manifest.project, manifest.started_at - shift)
    objects = []
    for stored in manifest.objects:
        key = stored.key.replace(manifest.backup, name.text)
        with store.read(stored.key) as pieces:
            store.put(key, io.BytesIO(b"".join(pieces)))
        objects.append(stored.model_copy(update={"key": key}))
    volumes, others = objects[: len(manifest.volumes)], objects[len(manifest.volumes) :]
    aged = manifest.model_copy(
        update={
            "backup": name.text,
            "started_at": manifest.started_at - shift,
            "finished_at": manifest.finished_at - shift,
            "volumes": tuple(volumes),
            "definitions": Definitions(stored=others[0]) if others else manifest.definitions,
        }
    )
    store.put(name.manifest_key, io.BytesIO(encode_manifest(aged, keyring)))
    return name
