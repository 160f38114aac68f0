"""Two copies at once, a copy beside a prune, and a copy whose lease is lost."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any, BinaryIO

import pytest

from supakeep.domain.copy_report import CopyReport
from supakeep.domain.lease import LEASE_SECONDS
from supakeep.domain.manifest import Trigger
from supakeep.domain.prune import PruneReport
from supakeep.domain.restore import RestoreRequest
from supakeep.domain.run import Run, RunKind
from supakeep.errors import LeaseHeldError
from supakeep.runs.in_memory import InMemoryRunStore
from supakeep.usecases.copy_backup import CopyBackup
from supakeep.usecases.run_copy import RunCopy
from supakeep.usecases.run_lease import lease_end
from supakeep.usecases.run_progress import RunProgress
from supakeep.usecases.run_prune import RunPrune
from supakeep.usecases.run_restore import RunRestore
from supakeep.usecases.track_runs import TrackRuns
from tests.builders.backups import CUSTOMERS, NAME, ORDERS, a_shop, back_up, emptied
from tests.builders.lambda_events import Project, ServedProject
from tests.builders.manifests import PROJECT, place_backup
from tests.fakes.object_store import InMemoryObjectStore
from tests.fakes.runs import InMemoryDispatcher, InMemoryProgress, InMemoryTransfers
from tests.fakes.time import NOON, FixedClock, NeverExpires
from tests.unit.usecases.running import a_run

OTHER = "20261122T120501Z-other"


class Meanwhile(InMemoryObjectStore):
    """Before the first object with this end of its key is written, `happens` is called once. `deleted`
    are the keys that were removed.
    """

    before = ".manifest.json"
    happens: Callable[[], object] | None = None

    def __init__(self, name: str, **fields: Any) -> None:
        super().__init__(name, **fields)
        self.deleted: list[str] = []

    def delete(self, key: str) -> None:
        self.deleted.append(key)
        super().delete(key)

    def put(self, key: str, content: BinaryIO) -> None:
        happens = self.happens
        if happens is not None and key.endswith(self.before):
            self.happens = None
            happens()
        super().put(key, content)


@pytest.fixture
def project(clock: FixedClock) -> ServedProject:
    """A project with a backup of several volumes in the primary store, and none in the mirror."""
    primary = InMemoryObjectStore(clock=clock, piece_bytes=4096)
    mirror = Meanwhile("mirror", clock=clock, piece_bytes=4096)
    shop = a_shop()
    back_up(shop, primary, max_object_bytes=300)
    return Project(
        database=shop, primary=primary, mirror=mirror, dispatcher=InMemoryDispatcher(), clock=clock
    ).served()


@pytest.fixture
def mirror(project: ServedProject) -> Meanwhile:
    [store] = project.copies
    assert isinstance(store, Meanwhile)
    return store


@pytest.fixture
def primary(project: ServedProject) -> InMemoryObjectStore:
    assert isinstance(project.primary, InMemoryObjectStore)
    return project.primary


def copied(run: Run) -> list[tuple[str, str]]:
    assert isinstance(run.result, CopyReport)
    return [(store.store, store.state) for b in run.result.backups for store in b.stores]


def copy(*stores: InMemoryObjectStore) -> list[str]:
    """A copy that shares no runs with another one; the state of each store."""
    copying = CopyBackup(stores, NeverExpires(), InMemoryTransfers())
    return [store.state for store in copying(NAME, stores, dry_run=False).stores]


@pytest.mark.parametrize("before", [".001", ".manifest.json"])
def test_two_copies_that_know_nothing_of_each_other_both_end_well(
    primary: InMemoryObjectStore, mirror: Meanwhile, before: str
) -> None:
    mirror.before = before
    mirror.happens = lambda: copy(primary, mirror)

    assert copy(primary, mirror) == ["whole", "copied"]
    assert mirror.objects == primary.objects


def test_what_another_copy_has_repaired_meanwhile_is_not_removed_again(
    primary: InMemoryObjectStore, mirror: Meanwhile
) -> None:
    copy(primary, mirror)
    [first, *_] = [key for key in mirror.objects if key.endswith(".001")]
    [manifest] = [key for key in mirror.objects if key.endswith(".manifest.json")]
    mirror.objects[first] = mirror.objects[manifest] = b"rotten"

    class Repairing(InMemoryObjectStore):
        """Reading a volume from it takes so long that another copy repairs the mirror."""

        def read(self, key: str) -> Any:
            if key == first:
                mirror.objects = dict(primary.objects)
            return super().read(key)

    source = Repairing(piece_bytes=4096)
    for key, content in primary.objects.items():
        source.place(key, content)
    copying = CopyBackup([source, mirror], NeverExpires(), InMemoryTransfers())
    [done] = copying(NAME, [mirror], dry_run=False).stores

    assert done.state == "copied"
    assert (mirror.deleted, mirror.objects) == ([], primary.objects)


def test_a_prune_that_took_volumes_away_leaves_no_manifest_without_them(
    primary: InMemoryObjectStore, mirror: Meanwhile
) -> None:
    mirror.happens = mirror.objects.clear

    assert copy(primary, mirror) == ["whole", "failed"]
    assert mirror.objects == {}


def test_a_second_copy_is_refused_while_one_is_at_work(
    project: ServedProject, mirror: Meanwhile
) -> None:
    refused: list[str] = []

    def second() -> None:
        with pytest.raises(LeaseHeldError) as error:
            RunCopy(project)(a_run("second", RunKind.COPY), NAME.text)
        refused.append(error.value.message)

    mirror.happens = second
    run = RunCopy(project)(a_run("first", RunKind.COPY), NAME.text)

    assert copied(run) == [("primary", "whole"), ("mirror", "copied")]
    assert refused == [f"Run {run.id} is at work on this project"]


def during_a_prune(project: ServedProject, work: Callable[[], None]) -> None:
    def prune(_: RunProgress) -> PruneReport:
        work()
        return PruneReport(project=PROJECT, dry_run=False)

    TrackRuns.of(project).execute(a_run("prune", RunKind.PRUNE), prune)


def test_a_copy_does_not_begin_while_a_prune_is_at_work(
    project: ServedProject, mirror: Meanwhile
) -> None:
    def work() -> None:
        with pytest.raises(LeaseHeldError, match="prune is at work"):
            RunCopy(project)(a_run("one", RunKind.COPY), NAME.text)
        every = RunCopy(project)(a_run("every", RunKind.COPY), None)
        assert copied(every) == [("primary", "failed"), ("mirror", "failed")]

    during_a_prune(project, work)

    assert mirror.objects == {}


def test_a_prune_spares_the_backup_that_is_being_copied(
    project: ServedProject, primary: InMemoryObjectStore, mirror: Meanwhile
) -> None:
    newest = place_backup(primary, at=NOON + dt.timedelta(minutes=1))
    old = place_backup(primary, at=NOON - dt.timedelta(days=30))
    reasons: list[str] = []

    def prune() -> None:
        run = RunPrune(project)(a_run("prune", RunKind.PRUNE), dry_run=False)
        assert isinstance(run.result, PruneReport)
        [found] = [b for b in run.result.stores[0].backups if b.name == old.text]
        reasons.append(found.reason)

    mirror.happens = prune
    RunCopy(project)(a_run("copy", RunKind.COPY), old.text, "mirror")

    assert newest.manifest_key in primary.objects
    assert reasons == ["a restore, a verification or a copy is reading it"]
    assert old.manifest_key in primary.objects
    assert old.manifest_key in mirror.objects


def test_a_copy_that_lost_its_lease_writes_nothing_more(
    project: ServedProject, mirror: Meanwhile, clock: FixedClock
) -> None:
    mirror.before = ".002"
    mirror.happens = lambda: take_over(project, clock, "copy")

    with pytest.raises(LeaseHeldError, match=OTHER):
        RunCopy(project)(a_run("copy", RunKind.COPY), NAME.text)

    assert [key.rpartition(".")[2] for key in sorted(mirror.objects)] == ["001", "002"]


def test_a_restore_that_lost_its_lease_writes_no_further_table(
    project: ServedProject, clock: FixedClock
) -> None:
    """With an engine that writes batch by batch; the other one has a transaction."""
    database = project.database = emptied(a_shop())

    class AfterTheFirst(InMemoryProgress):
        def table(self, name: str, rows: int, status: str) -> None:
            super().table(name, rows, status)
            if (name, status) == (CUSTOMERS, "complete"):
                take_over(project, clock, "database")

    run = Run(
        id="20261122T120000Z-ours", kind=RunKind.RESTORE, trigger=Trigger.CLI, requested_at=NOON
    )
    with pytest.raises(LeaseHeldError, match=OTHER):
        RunRestore(project, watcher=AfterTheFirst())(
            run, RestoreRequest(name=NAME.text, confirm=PROJECT)
        )

    assert (len(database.rows(CUSTOMERS)), database.rows(ORDERS)) == (5, [])


def take_over(project: ServedProject, clock: FixedClock, lease: str) -> None:
    """Another run has the lease after a pause in which no heartbeat was due."""
    clock.advance(seconds=LEASE_SECONDS + 1)
    assert isinstance(project.run_store, InMemoryRunStore)
    project.run_store.acquire_lease(lease, OTHER, clock.now(), lease_end(clock.now()))
