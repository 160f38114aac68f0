"""Where a command reads backups from."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

from supakeep.archive.reader import BackupReader
from supakeep.domain.copies import MIRROR, PRIMARY
from supakeep.errors import SupakeepError
from supakeep.ports import ObjectStore
from supakeep.usecases.choose_stores import every_store, stores_named
from supakeep.usecases.find_backups import find_backup
from supakeep.wiring import SupabaseProject


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
    """The copies of `source`: primary, mirror, the name of a copy, a folder, a bucket, or None for the
    project's own. A copy takes precedence over a folder of its name, which `./name` means.

    `app` is asked only where the settings are needed.
    """
    if source is None:
        return Copies(source, every_store(app()), app().ref)
    if source in (PRIMARY, MIRROR) or ("/" not in source and _is_copy(source, app)):
        return Copies(source, stores_named(app(), source), app().ref)
    return Copies(source, [store_at(source)], None)


def _is_copy(name: str, app: Callable[[], SupabaseProject]) -> bool:
    """Whether the settings, if there are any, have a copy of this name."""
    try:
        return any(copy.name == name for copy in app().policy.copies)
    except SupakeepError:
        return False
