"""Choose the name of a backup that begins."""

from __future__ import annotations

import datetime as dt
import itertools

from supakeep.domain.backup_name import FOLDER, BackupName
from supakeep.errors import BucketNotFoundError
from supakeep.ports import ObjectStore


def choose_name(
    store: ObjectStore, project: str, at: dt.datetime, *, scheduled: bool
) -> BackupName:
    """The day's name for its first scheduled backup, a timed one for any other.

    A name is not used again if any object is left of it, such as a volume of a crashed run: objects
    are write-once. If two backups begin in the same second, the later one takes the next free name.
    """
    daily = BackupName.daily(project, at)
    try:
        taken = {stored.key for stored in store.list(f"{FOLDER}/{daily}")}
    except BucketNotFoundError:
        if scheduled:
            raise
        taken = set()  # the first upload makes a folder, or reports that the bucket is missing
    if scheduled and not _is_taken(daily, taken):
        return daily
    moments = (at + dt.timedelta(seconds=later) for later in itertools.count())
    names = (BackupName.timed(project, moment) for moment in moments)
    return next(name for name in names if not _is_taken(name, taken))


def _is_taken(name: BackupName, keys: set[str]) -> bool:
    return any(
        key.startswith(own)
        for key in keys
        for own in (
            name.document_key,
            name.definitions_key,
            name.file_tree_key,
            name.file_keys_key,
            name.manifest_key,
        )
    )
