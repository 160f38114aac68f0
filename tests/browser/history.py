"""Weeks of backups, as a project that has been in use for a while has them."""

from __future__ import annotations

import datetime as dt
import io
from typing import TYPE_CHECKING

from supakeep.archive.manifest import encode_manifest
from supakeep.domain.backup_name import BackupName
from supakeep.domain.manifest import BackupStatus, Problem, Trigger

if TYPE_CHECKING:
    from supakeep.domain.manifest import Manifest
    from tests.e2e.deployment import Deployment

DAYS = 24
PARTIAL = 9
MISSING = 15


def live_for_weeks(supakeep: Deployment) -> str:
    """Makes one real backup, and the manifests of those that would be there before it; one day has
    only a partial one, another none. Returns the real one's name.
    """
    name: str = supakeep.back_up()["backup"]
    newest = supakeep.manifest(name)
    for day in range(1, DAYS):
        if day != MISSING:
            put(supakeep, earlier(newest, day))
    return name


def earlier(newest: Manifest, days: int) -> Manifest:
    """The same backup so many nights before, when there was less to back up."""
    started_at = newest.started_at.replace(hour=3, minute=0, second=4) - dt.timedelta(days=days)
    name = BackupName.daily(newest.project, started_at)
    share = 1 - days / (2 * DAYS)
    volumes = tuple(v.model_copy(update={"bytes": int(v.bytes * share)}) for v in newest.volumes)
    partial = days == PARTIAL
    missed = Problem(message="The mirror did not answer", hint="Look at its bucket policy.")
    return newest.model_copy(
        update={
            "backup": name.text,
            "trigger": Trigger.SCHEDULE,
            "started_at": started_at,
            "finished_at": started_at + dt.timedelta(seconds=8 - days // 4 + days % 3),
            "volumes": volumes,
            "status": BackupStatus.PARTIAL if partial else BackupStatus.COMPLETE,
            "mirror_error": missed if partial else None,
        }
    )


def put(supakeep: Deployment, manifest: Manifest) -> None:
    """Both copies of a manifest; there is no document behind it."""
    key = BackupName.parse(manifest.backup).manifest_key
    for store in (supakeep.primary, supakeep.mirror):
        store.put(key, io.BytesIO(encode_manifest(manifest)))
