"""Thousands of backups are listed and pruned with as few requests as there are manifests."""

from __future__ import annotations

import datetime as dt
import io
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

import httpx
import pytest

from supakeep.archive.manifest import encode_manifest
from supakeep.archive.verified_store import verified
from supakeep.domain.retention_policy import RetentionPolicy
from supakeep.stores.folder import FolderObjectStore
from supakeep.stores.s3 import S3ObjectStore
from supakeep.stores.supabase_storage import SupabaseObjectStore
from supakeep.system import NoDeadline
from supakeep.usecases.list_backups import list_backups
from supakeep.usecases.pin_backup import PinBackup
from supakeep.usecases.prune_backups import PruneBackups
from tests.builders.manifests import a_manifest
from tests.builders.signing import KEYRING
from tests.fakes.time import NOON, FixedClock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from devstack.stack import Stack
    from supakeep.domain.backup_name import BackupName
    from supakeep.ports import ObjectStore

pytestmark = [pytest.mark.integration, pytest.mark.enable_socket]

PROJECT = "manybackups"
# on an idle machine it is a third of it; other tests run beside this one
SECONDS_FOR_5000 = 60
NUMBERS = [
    pytest.param(150, id="150", marks=pytest.mark.timeout(240)),
    pytest.param(5000, id="5000", marks=[pytest.mark.hostile, pytest.mark.timeout(1200)]),
]


class MakeStore(Protocol):
    def __call__(self, requests: Counter[str]) -> ObjectStore: ...


@pytest.fixture(params=["supabase", "s3", "folder"])
def make_store(
    request: pytest.FixtureRequest, echo_stack: Stack, tmp_path: Path
) -> Iterator[MakeStore]:
    """Makes a store that counts its requests by what they do; its objects are gone afterwards."""
    kinds = {"supabase": _supabase, "s3": _s3, "folder": lambda *_: _folder(tmp_path)}
    with kinds[request.param](echo_stack) as make:
        yield make
        store = make(Counter())
        store.delete_all([stored.key for stored in store.list(f"daily/backup_{PROJECT}_")])


@contextmanager
def _supabase(stack: Stack) -> Iterator[MakeStore]:
    with httpx.Client(timeout=60) as client:

        def make(requests: Counter[str]) -> ObjectStore:
            def count(request: httpx.Request) -> None:
                requests[_kind(request.method, request.url.path)] += 1

            client.event_hooks = {"request": [count]}
            return SupabaseObjectStore(
                stack.supabase_url, stack.service_key, "backups", client=client
            )

        yield make


def _kind(method: str, path: str) -> str:
    if "/object/list" in path:
        return "list"
    return {"GET": "read", "DELETE": "delete"}.get(method, method)


@contextmanager
def _s3(stack: Stack) -> Iterator[MakeStore]:
    client: Any = stack.aws.s3()
    operations = {"ListObjectsV2": "list", "GetObject": "read", "DeleteObjects": "delete"}

    def make(requests: Counter[str]) -> ObjectStore:
        def count(model: Any, **_: Any) -> None:
            requests[operations.get(model.name, model.name)] += 1

        client.meta.events.unregister("before-call.s3", unique_id="counting")
        client.meta.events.register("before-call.s3", count, unique_id="counting")
        return S3ObjectStore(client, stack.mirror_bucket)

    yield make
    client.close()


@contextmanager
def _folder(folder: Path) -> Iterator[MakeStore]:
    (folder / "daily").mkdir()
    yield lambda _: FolderObjectStore(folder)


def fill(store: ObjectStore, number: int) -> list[BackupName]:
    """So many signed backups, an hour apart; newest first."""

    def place(hours: int) -> BackupName:
        manifest = a_manifest(at=NOON - dt.timedelta(hours=hours), project=PROJECT)
        store.put(manifest.name.document_key, io.BytesIO(b"a document"))
        store.put(manifest.name.manifest_key, io.BytesIO(encode_manifest(manifest, KEYRING)))
        return manifest.name

    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(place, range(number)))


def prune(store: ObjectStore) -> Any:
    use_case = PruneBackups(
        policy=RetentionPolicy(keep_last=5),
        project=PROJECT,
        clock=FixedClock(NOON),
        deadline=NoDeadline(),
    )
    return use_case([store], dry_run=False)


@pytest.mark.parametrize("number", NUMBERS)
def test_many_backups_are_listed_and_pruned_in_time(make_store: MakeStore, number: int) -> None:
    names = fill(make_store(Counter()), number)
    listing, pruning = Counter[str](), Counter[str]()
    most_seconds = SECONDS_FOR_5000 * max(number / 5000, 0.3)

    began = time.monotonic()
    found = list_backups([verified(make_store(listing), KEYRING)], PROJECT)
    listed_in = time.monotonic() - began

    assert [backup.name for backup in found.backups] == names
    assert all(backup.manifest for backup in found.backups)
    store = verified(make_store(Counter()), KEYRING)
    PinBackup(KEYRING)(names[-1], [store], until=None, now=NOON)

    began = time.monotonic()
    report = prune(verified(make_store(pruning), KEYRING))
    pruned_in = time.monotonic() - began
    asked = Counter(pruning)

    assert report.is_whole
    assert report.removed == number - 6
    left = list_backups([store], PROJECT).backups
    assert [backup.name for backup in left] == [*names[:5], names[-1]]
    if not isinstance(make_store(Counter()), FolderObjectStore):
        # a request for each manifest, and one for a pin; a server under load is asked again now and then
        assert 0 <= listing["read"] - number <= 5
        assert 0 <= asked["read"] - (number + 1) <= 5
        # the manifests of 250 backups, and then their documents
        assert asked["delete"] == 2 * -(-(number - 6) // 250)
        # pages of 100 objects or more, once to list and once more to look for new pins
        pages = 2 * number // 90 + 3
        assert listing["list"] <= pages
        assert asked["list"] <= 2 * pages
    assert listed_in < most_seconds
    assert pruned_in < most_seconds
