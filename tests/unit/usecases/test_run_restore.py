"""What a restore run keeps before it writes, and where."""

from __future__ import annotations

from dataclasses import replace

import pytest

from supakeep.domain.engine import REST
from supakeep.domain.manifest import Manifest, Trigger
from supakeep.domain.restore import RestoreReport, RestoreRequest
from supakeep.domain.run import RunKind
from supakeep.ports import ObjectStore
from supakeep.usecases.list_backups import list_backups
from supakeep.usecases.run_restore import RunRestore
from tests.builders.backups import NAME, a_shop, back_up
from tests.builders.lambda_events import ServedProject, settings
from tests.builders.manifests import PROJECT
from tests.fakes.database import EVERY_MODE, InMemoryDatabase
from tests.fakes.object_store import InMemoryObjectStore
from tests.fakes.runs import InMemoryDispatcher
from tests.fakes.time import FixedClock
from tests.unit.usecases.running import a_run

REQUEST = RestoreRequest(name=NAME.text, confirm=PROJECT)


@pytest.fixture
def project() -> ServedProject:
    """A project whose database can undo, with a backup in both stores."""
    database = a_shop(InMemoryDatabase(engine=EVERY_MODE))
    primary, mirror = InMemoryObjectStore(), InMemoryObjectStore("mirror")
    back_up(database, primary, mirror)
    return ServedProject(
        settings=settings(),
        database=database,
        primary=primary,
        mirror=mirror,
        dispatcher=InMemoryDispatcher(),
        clock=FixedClock(),
    )


def restored(
    project: ServedProject, *stores: ObjectStore, request: RestoreRequest = REQUEST
) -> RestoreReport:
    run = a_run(kind=RunKind.RESTORE, trigger=Trigger.CLI)
    result = RunRestore(project)(run, request, stores=stores or None).result
    assert isinstance(result, RestoreReport)
    return result


def kept_in(store: ObjectStore) -> list[Manifest]:
    manifests = [found.manifest for found in list_backups([store], PROJECT).backups]
    return [m for m in manifests if m is not None and m.trigger is Trigger.PRE_RESTORE]


def test_the_undo_copy_goes_to_the_primary_store_and_to_the_mirror(project: ServedProject) -> None:
    report = restored(project)

    assert project.mirror is not None
    for store in (project.primary, project.mirror):
        [kept] = kept_in(store)
        assert (kept.backup, kept.run) == (report.undo_backup, "20261122T120000Z-1a2b3c4d")


def test_without_storage_it_goes_where_the_restored_backup_is(project: ServedProject) -> None:
    elsewhere = InMemoryObjectStore("elsewhere")
    back_up(project.database, elsewhere)
    without = replace(project, has_storage=False)

    report = restored(without, elsewhere)

    assert [kept.backup for kept in kept_in(elsewhere)] == [report.undo_backup]
    assert kept_in(project.primary) == []


@pytest.mark.parametrize("why", ["engine", "request", "dry run"])
def test_nothing_is_kept_where_it_could_not_be_undone_or_is_not_wanted(
    project: ServedProject, why: str
) -> None:
    assert isinstance(project.database, InMemoryDatabase)
    project.database.engine = REST if why == "engine" else EVERY_MODE
    update = {"keep_undo": why != "request", "dry_run": why == "dry run"}

    report = restored(project, request=REQUEST.model_copy(update=update))

    assert report.undo_backup is None
    assert kept_in(project.primary) == []
