"""Where a command reads backups from."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

from supakeep.archive.reader import BackupReader
from supakeep.ports import ObjectStore
from supakeep.usecases.choose_stores import every_store, stores_named
from supakeep.usecases.find_backups import find_backup
from supakeep.wiring import SupabaseProject

# copies that the settings name; any other source is a place
_COPIES = ("primary", "mirror")


@dataclass(frozen=True)
class Copies:
    """The stores that --from means: Storage and then the mirror where it is left out.

    `project` is the project whose backups are meant; None for a place that needs no Supabase project,
    since the project may be gone: all backups there are meant.
    """

    source: str | None
    stores: list[ObjectStore]
    project: str | None

    @property
    def is_elsewhere(self) -> bool:
        return self.project is None

    def find(self, name: str, now: dt.datetime) -> BackupReader:
        """The backup of this name, or `latest`, and where it is read from."""
        return find_backup(self.stores, name, self.project, now=now)


def copies_from(
    source: str | None,
    app: Callable[[], SupabaseProject],
    store_at: Callable[[str], ObjectStore],
) -> Copies:
    """The copies of `source`: primary, mirror, a folder, s3://bucket, or None for the project's own.

    `app` is asked only where the settings are needed.
    """
    if source is None:
        return Copies(source, every_store(app()), app().ref)
    if source in _COPIES:
        return Copies(source, stores_named(app(), source), app().ref)
    return Copies(source, [store_at(source)], None)
