"""Find the backup of a drill: by its name, the newest good one, or any good one."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Sequence

from supakeep.archive.reader import BackupReader
from supakeep.domain.backup_name import LATEST
from supakeep.ports import ObjectStore
from supakeep.usecases.find_backups import find_backup
from supakeep.usecases.list_backups import list_backups

RANDOM = "random"
"""In place of a backup's name: any one of the good ones."""


def find_drilled(
    stores: Sequence[ObjectStore], name: str, project: str | None, *, now: dt.datetime
) -> BackupReader:
    """As `find_backup`, which knows `latest`; `random` is a good backup that chance chooses."""
    if name == RANDOM:
        name = _any_good(stores, project) or LATEST
    return find_backup(stores, name, project, now=now)


def _any_good(stores: Sequence[ObjectStore], project: str | None) -> str | None:
    """The name of a good backup; None where there is none."""
    listed = list_backups(stores, project).backups
    good = [found.name.text for found in listed if found.manifest and found.manifest.is_good]
    return secrets.choice(good) if good else None
