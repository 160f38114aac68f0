"""What has happened, or is happening, before the page is looked at: weeks of backups, a run at work."""

from __future__ import annotations

import datetime as dt
import io
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING

import psycopg

from supakeep.archive.manifest import encode_manifest
from supakeep.domain.api_key import Scope
from supakeep.domain.backup_name import BackupName
from supakeep.domain.manifest import BackupStatus, TableStatus, Trigger
from supakeep.domain.manifest_parts import Problem
from supakeep.runs.dynamodb_keys import DynamoDbApiKeyStore
from tests.builders.api_keys import an_api_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from supakeep.archive.signature import Keyring
    from supakeep.domain.manifest import Manifest
    from supakeep.ports import ObjectStore
    from tests.e2e.deployment import Deployment

DAYS = 24
PARTIAL = 9
MISSING = 15


def live_for_weeks(supakeep: Deployment) -> str:
    """Makes one real backup, and what looks like those of the nights before it; one night has only a
    partial one, another none. Returns the real one's name.
    """
    name: str = supakeep.back_up()["backup"]
    # the prune that follows a backup would remove the older ones
    supakeep.stack.wait_idle()
    newest = supakeep.manifest(name)
    nights = [earlier(newest, day) for day in range(1, DAYS) if day != MISSING]
    store(supakeep, nights)
    return name


def give_keys(supakeep: Deployment) -> None:
    """One key that is good for a long time, one for a few days, and one that was revoked."""
    now = dt.datetime.now(dt.UTC)
    year, week = now + dt.timedelta(days=365), now + dt.timedelta(days=7)
    for key in (
        an_api_key("ci", scopes=(Scope.VIEW, Scope.BACKUP), created_at=now, expires_at=year),
        an_api_key("support", scopes=(Scope.RESTORE,), created_at=now, expires_at=week),
        an_api_key("leaked", created_at=now, expires_at=year).revoked(now),
    ):
        DynamoDbApiKeyStore(supakeep.dynamodb, supakeep.stack.runs_table, supakeep.ref).add(key)


def earlier(newest: Manifest, days: int) -> Manifest:
    """The same backup so many nights before, when there was less to back up."""
    started_at = newest.started_at.replace(hour=3, minute=0, second=4) - dt.timedelta(days=days)
    name = BackupName.daily(newest.project, started_at)
    share = 1 - days / (2 * DAYS)
    volumes = tuple(
        v.model_copy(update={"key": name.volume_key(n), "bytes": int(v.bytes * share)})
        for n, v in enumerate(newest.volumes)
    )
    partial = days == PARTIAL
    refused = Problem(
        message="Permission denied", hint="grant select on this table to service_role;"
    )
    first, *others = newest.tables
    lacking = first.model_copy(update={"status": TableStatus.FAILED, "error": refused})
    return newest.model_copy(
        update={
            "backup": name.text,
            "trigger": Trigger.SCHEDULE,
            "started_at": started_at,
            "finished_at": started_at + dt.timedelta(seconds=8 - days // 4 + days % 3),
            "volumes": volumes,
            "definitions": None,
            "status": BackupStatus.PARTIAL if partial else BackupStatus.COMPLETE,
            "tables": (lacking, *others) if partial else newest.tables,
        }
    )


def store(supakeep: Deployment, manifests: Iterable[Manifest], *, copies: int = 2) -> None:
    """Puts manifests, and volumes that have the right size and no content, into the stores."""
    stores = (supakeep.primary, supakeep.mirror)[:copies][::-1]
    with ThreadPoolExecutor(8) as pool:
        for manifest in manifests:
            for one in stores:
                pool.submit(put, one, manifest, supakeep.stack.keyring)


def put(store: ObjectStore, manifest: Manifest, keyring: Keyring | None) -> None:
    for volume in manifest.volumes:
        store.put(volume.key, io.BytesIO(bytes(volume.bytes)))
    key = BackupName.parse(manifest.backup).manifest_key
    store.put(key, io.BytesIO(encode_manifest(manifest, keyring)))


@contextmanager
def held_up(supakeep: Deployment) -> Iterator[None]:
    """Every backup waits: somebody has locked a table."""
    with psycopg.connect(supakeep.stack.database_url) as connection:
        connection.execute("lock table public.user_credits in access exclusive mode")
        yield
