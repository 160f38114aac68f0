"""Backups that begin in one second, without a lease that they share."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import BinaryIO

import pytest

from supakeep.archive.manifest import parse_manifest
from supakeep.domain.backup_name import BackupName
from supakeep.domain.manifest import Trigger
from supakeep.domain.restore import RestoreReport, RestoreRequest
from supakeep.domain.run import Run, RunKind, RunStatus, new_run_id
from supakeep.domain.summary import BackupSummary
from supakeep.errors import ObjectAlreadyExistsError
from supakeep.ports import ObjectStore, StoredObject
from supakeep.stores.folder import FolderObjectStore
from supakeep.usecases.list_backups import list_backups
from supakeep.usecases.run_backup import RunBackup
from supakeep.usecases.run_restore import RunRestore
from tests.builders.backups import NAME, a_shop, back_up, manifests_in
from tests.builders.lambda_events import ServedProject, settings
from tests.builders.manifests import PROJECT
from tests.fakes.database import EVERY_MODE, InMemoryDatabase
from tests.fakes.object_store import InMemoryObjectStore
from tests.fakes.runs import InMemoryDispatcher
from tests.fakes.time import NOON, FixedClock

ANOTHERS = b"another backup's"


class ContestedObjectStore(InMemoryObjectStore):
    """Another backup stores its object under each of the first `times` keys that end in `part`, right
    before the one that is looked at does.
    """

    def __init__(self, times: int, part: str) -> None:
        super().__init__()
        self.left = times
        self._part = part

    def put(self, key: str, content: BinaryIO) -> None:
        if key.endswith(self._part) and self.left and key not in self.objects:
            self.left -= 1
            self.place(key, ANOTHERS)
        super().put(key, content)


class BlindObjectStore(InMemoryObjectStore):
    """Lists nothing of other backups, as a listing does that was made before they began."""

    def list(self, prefix: str) -> Iterator[StoredObject]:
        return (found for found in super().list(prefix) if self.objects[found.key] != ANOTHERS)


def project_over(store: ObjectStore) -> ServedProject:
    return ServedProject(
        settings=settings(),
        database=a_shop(InMemoryDatabase(engine=EVERY_MODE)),
        primary=store,
        mirror=None,
        dispatcher=InMemoryDispatcher(),
        clock=FixedClock(),
    )


def a_run(kind: RunKind) -> Run:
    run_id = new_run_id(NOON, "1a2b3c4d")
    return Run(id=run_id, kind=kind, trigger=Trigger.CLI, requested_at=NOON)


@pytest.mark.parametrize("scheduled", [True, False])
@pytest.mark.parametrize("part", [".sql.json", ".manifest.json"])
def test_the_slower_of_two_takes_the_next_free_name(part: str, *, scheduled: bool) -> None:
    store = ContestedObjectStore(3, part)
    project = project_over(store)

    run = RunBackup(project)(a_run(RunKind.BACKUP), scheduled=scheduled)

    assert run.status is RunStatus.COMPLETE
    assert isinstance(run.result, BackupSummary)
    assert run.backup == run.result.name
    assert project.run_store.get(run.id) == run
    [key] = [key for key in manifests_in(store) if store.objects[key] != ANOTHERS]
    assert key == BackupName.parse(run.result.name).manifest_key
    assert parse_manifest(store.objects[key], key).backup == run.result.name
    assert len([key for key in store.objects if store.objects[key] == ANOTHERS]) == 3


def test_four_that_begin_at_once_in_a_folder_are_four_backups(tmp_path: Path) -> None:
    store = FolderObjectStore(tmp_path)
    begin = Barrier(4)

    def back_up_at_once(_: int) -> Run:
        project = project_over(store)
        begin.wait(timeout=10)
        return RunBackup(project)(a_run(RunKind.BACKUP), scheduled=True)

    with ThreadPoolExecutor(4) as pool:
        runs = list(pool.map(back_up_at_once, range(4)))

    listed = {found.name.text: found for found in list_backups([store], PROJECT).backups}
    assert sorted(listed) == sorted({run.backup for run in runs if run.backup is not None})
    assert len(listed) == 4
    assert all(found.manifest is not None for found in listed.values())


def test_the_copy_for_an_undo_takes_the_next_free_name_too() -> None:
    store = ContestedObjectStore(0, ".sql.json")
    project = project_over(store)
    back_up(project.database, store)
    store.left = 1
    request = RestoreRequest(name=NAME.text, confirm=PROJECT)

    run = RunRestore(project)(a_run(RunKind.RESTORE), request)

    assert run.backup == NAME.text
    assert isinstance(run.result, RestoreReport)
    listed = [found.name.text for found in list_backups([store], PROJECT).backups]
    assert run.result.undo_backup in listed


def test_a_store_that_never_lists_what_is_taken_ends_the_run() -> None:
    store = BlindObjectStore()
    store.place(f"daily/{BackupName.timed(PROJECT, NOON)}.sql.json", ANOTHERS)

    with pytest.raises(ObjectAlreadyExistsError):
        RunBackup(project_over(store))(a_run(RunKind.BACKUP))
