"""Prune sweeps nothing whose manifest a listing failed to show."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from supakeep.archive.manifest import encode_manifest
from supakeep.domain.backup_name import BackupName
from supakeep.errors import ObjectNotFoundError
from supakeep.ports import StoredObject
from tests.builders.manifests import PROJECT, a_manifest, place_backup
from tests.fakes.object_store import InMemoryObjectStore
from tests.fakes.storage_server import InMemoryStorageServer
from tests.unit.usecases.pruning import days_ago, decisions, name, prune


@pytest.mark.parametrize("has_cursor", [True, False])
@pytest.mark.parametrize("gone", range(1, 100, 7))
def test_objects_that_another_prune_deletes_meanwhile_cost_no_good_backup(
    has_cursor: bool, gone: int
) -> None:
    server = InMemoryStorageServer(has_cursor=has_cursor)
    store = server.store()
    # the fake's objects are of 22 November at 3 in the morning; these are two days after it
    leftovers = [BackupName.daily(PROJECT, days_ago(200 - n)).document_key for n in range(100)]
    for key in leftovers:
        store.put(key, io.BytesIO(b"left"))
    backups = [a_manifest(at=days_ago(days)) for days in range(7)]
    for manifest in backups:
        store.put(manifest.name.document_key, io.BytesIO(b"a document"))
        store.put(manifest.name.manifest_key, io.BytesIO(encode_manifest(manifest)))
    good = {key for manifest in backups for key in keys_of(manifest.name)}

    def another_prune() -> None:
        for key in leftovers[:gone]:
            server.objects.pop(key, None)

    server.after_page = another_prune
    report = prune(store, at=days_ago(-2))

    assert good <= set(server.objects)
    assert not any(decisions(report)[manifest.backup].removed for manifest in backups)


def keys_of(backup: BackupName) -> set[str]:
    return {backup.document_key, backup.manifest_key}


class HidingObjectStore(InMemoryObjectStore):
    """Leaves the manifest `hidden` out of its listings."""

    hidden = ""

    def list(self, prefix: str) -> Iterator[StoredObject]:
        return (stored for stored in super().list(prefix) if stored.key != self.hidden)


@pytest.mark.parametrize("days", [2, 8])
def test_a_backup_whose_manifest_is_not_listed_is_judged_as_any_other(days: int) -> None:
    store = HidingObjectStore(piece_bytes=4096)
    for age in (0, days):
        place_backup(store, at=days_ago(age))
    store.hidden = name(days).manifest_key

    report = prune(store)

    decision = decisions(report)[name(days).text]
    assert decision.reason in ("within 7 days", "older than 7 days")
    assert decision.removed == (days == 8)


class LateObjectStore(InMemoryObjectStore):
    """Says `times` times that the object `late` is not there."""

    late = ""
    times = 1

    def list(self, prefix: str) -> Iterator[StoredObject]:
        return (stored for stored in super().list(prefix) if stored.key != self.late)

    @contextmanager
    def read(self, key: str) -> Iterator[Iterator[bytes]]:
        if key == self.late and self.times:
            self.times -= 1
            raise ObjectNotFoundError(f"{key} is not there", operation="download", key=key)
        with super().read(key) as pieces:
            yield pieces


def test_a_manifest_that_is_found_the_second_time_keeps_its_volumes() -> None:
    store = LateObjectStore(piece_bytes=4096)
    for age in (0, 2):
        place_backup(store, at=days_ago(age))
    store.late = name(2).manifest_key

    report = prune(store)

    assert keys_of(name(2)) <= set(store.objects)
    kept = decisions(report)[name(2).text]
    assert (kept.removed, kept.reason) == (
        False,
        "its manifest was not found before and is there: not touched",
    )


def test_what_has_no_manifest_after_two_questions_is_swept() -> None:
    store = LateObjectStore(piece_bytes=4096)
    place_backup(store)
    crashed = BackupName.daily(PROJECT, days_ago(2))
    store.place(crashed.document_key, b"left", modified_at=days_ago(1.5))
    store.late, store.times = crashed.manifest_key, 2

    prune(store)

    assert store.times == 0
    assert crashed.document_key not in store.objects
