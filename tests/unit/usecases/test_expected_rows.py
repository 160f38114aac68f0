from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from supakeep.domain.policy import BackupPolicy
from supakeep.domain.restore import RestoreRequest
from supakeep.domain.run import RunKind
from supakeep.usecases.expected_rows import (
    rows_of_last_backup,
    rows_to_restore,
)
from supakeep.usecases.run_backup import RunBackup
from tests.builders.backups import CUSTOMERS, EVERYTHING, NAME, a_shop, back_up
from tests.builders.lambda_events import Project, ServedProject
from tests.builders.manifests import a_manifest, an_entry, place_backup
from tests.builders.tables import a_table
from tests.fakes.faulty_object_store import FailingObjectStore
from tests.fakes.object_store import InMemoryObjectStore
from tests.fakes.runs import InMemoryDispatcher
from tests.fakes.time import NOON, FixedClock
from tests.unit.usecases.running import a_run

SHOP = {"public.customers": 5, "public.items": 5, "public.orders": 5}


@pytest.fixture
def project(clock: FixedClock) -> Project:
    return Project(
        database=a_shop(),
        primary=InMemoryObjectStore(clock=clock),
        mirror=InMemoryObjectStore("mirror", clock=clock),
        dispatcher=InMemoryDispatcher(),
        clock=clock,
    )


def test_a_backup_expects_the_rows_of_the_last_good_one(project: Project) -> None:
    back_up(project.database, project.primary)
    place_backup(project.primary, at=NOON + dt.timedelta(hours=1), good=False)
    served = project.served()

    assert rows_of_last_backup(served) == SHOP
    run = RunBackup(served)(a_run(kind=RunKind.BACKUP))
    assert run.expected_rows == SHOP


def test_a_table_that_the_policy_no_longer_takes_is_not_expected(project: Project) -> None:
    back_up(project.database, project.primary)
    served = project.served()
    served.policy = BackupPolicy.of_tables([CUSTOMERS])

    assert rows_of_last_backup(served) == {CUSTOMERS: 5}


def test_a_store_that_fails_leaves_the_estimate_out(project: Project) -> None:
    served: ServedProject = project.served()
    served.primary = FailingObjectStore(project.primary, "list")

    assert rows_of_last_backup(served) == {}


def test_a_restore_expects_the_rows_of_the_chosen_tables() -> None:
    entries = (an_entry(a_table("a"), rows=3), an_entry(a_table("b"), rows=4))
    manifest = a_manifest(tables=entries)

    def expected(**choice: Any) -> object:
        return rows_to_restore(manifest, RestoreRequest(name=NAME.text, **choice), EVERYTHING)

    assert expected() == {"public.a": 3, "public.b": 4}
    assert expected(tables=("a",)) == expected(tables=("public.a",)) == {"public.a": 3}
    assert expected(where={"id": "1"}) == {}
