from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from supakeep.errors import (
    DatabaseUnavailableError,
    DeadlineExceededError,
    InvalidRequestError,
    StorageUnavailableError,
)
from tests.builders.backups import CUSTOMERS, ITEMS, ORDERS, a_shop, back_up
from tests.builders.lambda_events import Project
from tests.builders.manifests import PROJECT, place_backup
from tests.fakes.database import FailingExportDatabase
from tests.fakes.faulty_object_store import FailingObjectStore
from tests.fakes.time import NOON
from tests.unit.api.conftest import Functions
from tests.unit.api.emitted import event, metrics

pytestmark = pytest.mark.filterwarnings("ignore:No application metrics to publish")


@pytest.mark.parametrize("name", ["backup/schedule", "backup/eventbridge_rule"])
def test_a_schedule_makes_the_days_backup(
    functions: Functions, project: Project, name: str
) -> None:
    run = functions("backup").invoke(event(name))

    assert (run["status"], run["trigger"]) == ("complete", "schedule")
    assert run["id"] == "20261122T030000Z-schedule"
    assert run["backup"] == f"backup_{PROJECT}_2026-11-22"
    assert f"daily/backup_{PROJECT}_2026-11-22.manifest.json" in project.primary.objects
    assert project.mirror.objects == project.primary.objects


def test_a_schedule_that_is_delivered_twice_makes_one_backup(
    functions: Functions, project: Project
) -> None:
    first = functions("backup").invoke(event("backup/schedule"))
    before = dict(project.primary.objects)
    project.clock.advance(minutes=2)

    second = functions("backup").invoke(event("backup/schedule"))

    assert second == first
    assert project.primary.objects == before


def test_a_second_schedule_of_the_same_day_makes_another_backup(
    functions: Functions, project: Project
) -> None:
    functions("backup").invoke(event("backup/schedule"))

    run = functions("backup").invoke(
        {**event("backup/schedule"), "scheduled_at": "2026-11-22T09:00:00Z"}
    )

    assert run["backup"] == f"backup_{PROJECT}_2026-11-22T120000Z"


def test_a_scheduled_backup_that_failed_is_made_when_it_is_delivered_again(
    functions: Functions, project: Project
) -> None:
    backup = functions("backup")
    # two volumes would be needed to leave one behind: the document alone is left
    backup.project.primary = FailingObjectStore(
        project.primary, "put", key_part=".manifest.json", times=1
    )
    with pytest.raises(Exception, match="did not answer"):
        backup.invoke(event("backup/schedule"))
    assert len(project.primary.of_backups) == 1

    run = backup.invoke(event("backup/schedule"))

    assert (run["status"], run["attempt"]) == ("complete", 2)
    assert run["backup"] == f"backup_{PROJECT}_2026-11-22T120000Z"


def test_a_good_backup_is_followed_by_a_prune(functions: Functions, project: Project) -> None:
    functions("backup").invoke(event("backup/schedule"))

    assert project.dispatcher.handed_over == [
        ("prune", {"trigger": "schedule", "after": "20261122T030000Z-schedule"})
    ]


@pytest.mark.parametrize("fault", ["table", "mirror"])
def test_a_partial_backup_is_not_followed_by_a_prune(
    functions: Functions, project: Project, fault: str
) -> None:
    served = functions("backup").project
    if fault == "mirror":
        served.mirror = FailingObjectStore(project.mirror, "put")
    else:
        unavailable = DatabaseUnavailableError("no answer", operation="query")
        shop = FailingExportDatabase({ORDERS: (1, unavailable)})
        served.database = a_shop(shop)

    run = functions("backup").invoke(event("backup/schedule"))

    assert run["status"] == "partial"
    assert project.dispatcher.handed_over == []


def test_a_direct_invocation_makes_a_backup_of_its_own(
    functions: Functions, project: Project
) -> None:
    run = functions("backup").invoke(event("backup/direct"))

    assert (run["status"], run["trigger"]) == ("complete", "api")
    assert run["backup"] == f"backup_{PROJECT}_2026-11-22T120000Z"


def test_an_accepted_backup_is_made_under_its_name_and_id(functions: Functions) -> None:
    name = f"backup_{PROJECT}_2026-11-22T091405Z"

    run = functions("backup").invoke({**event("backup/self_invoke"), "name": name})

    assert (run["id"], run["backup"]) == ("20261122T091405Z-3f9c21ab", name)


def test_the_next_attempt_of_an_accepted_backup_has_a_name_of_its_own(
    functions: Functions, project: Project
) -> None:
    """Objects are write-once, and volumes of the first attempt may lie under its name."""
    backup = functions("backup")
    payload = {**event("backup/self_invoke"), "name": f"backup_{PROJECT}_2026-11-22T091405Z"}
    whole = backup.project.primary
    backup.project.primary = FailingObjectStore(project.primary, "put", key_part=".manifest.json")
    with pytest.raises(StorageUnavailableError):
        backup.invoke(payload)
    backup.project.primary = whole

    run = backup.invoke(payload)

    assert (run["status"], run["attempt"]) == ("complete", 2)
    assert run["backup"] == f"backup_{PROJECT}_2026-11-22T120000Z"


def test_the_prune_schedule_prunes_and_counts_the_age_of_the_newest_good_backup(
    functions: Functions, project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    for days in range(1, 10):
        place_backup(project.primary, at=NOON - dt.timedelta(days=days))

    run = functions("prune").invoke(event("prune/schedule"))

    assert (run["id"], run["status"]) == ("20261122T043000Z-prune", "complete")
    assert len(project.primary.of_backups) == 14
    assert metrics(capsys)["NewestGoodBackupAge"] == 86_400


@pytest.mark.parametrize("unreachable", [None, "primary", "mirror"])
def test_a_measurement_writes_the_age_of_the_newest_good_backup_in_any_store(
    functions: Functions,
    project: Project,
    capsys: pytest.CaptureFixture[str],
    unreachable: str | None,
) -> None:
    for store in (project.primary, project.mirror):
        place_backup(store, at=NOON - dt.timedelta(hours=30))
        place_backup(store, at=NOON - dt.timedelta(hours=1), good=False)
    served = functions("prune").project
    if unreachable is not None:
        setattr(served, unreachable, FailingObjectStore(getattr(project, unreachable), "list"))
    before = dict(project.primary.objects)

    answer = functions("prune").invoke(event("prune/measure"))

    assert answer == {"newest_good_at": "2026-11-21T06:00:00+00:00"}
    assert metrics(capsys)["NewestGoodBackupAge"] == 30 * 3600
    assert project.primary.objects == before
    assert functions("prune").runs.list(5) == []


def test_a_measurement_without_a_good_backup_writes_no_age(
    functions: Functions, project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    place_backup(project.primary, good=False)

    assert functions("prune").invoke(event("prune/measure")) == {"newest_good_at": None}

    assert "NewestGoodBackupAge" not in metrics(capsys)


def test_a_measurement_that_no_store_answers_is_logged_and_not_raised(
    functions: Functions, project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    served = functions("prune").project
    served.primary = FailingObjectStore(project.primary, "list")
    served.mirror = FailingObjectStore(project.mirror, "list")

    assert functions("prune").invoke(event("prune/measure")) == {"newest_good_at": None}

    counted = metrics(capsys)
    assert counted["MeasurementFailures"] == 1
    assert "NewestGoodBackupAge" not in counted


def test_a_direct_dry_run_of_prune_removes_nothing(functions: Functions, project: Project) -> None:
    for days in range(9):
        place_backup(project.primary, at=NOON - dt.timedelta(days=days))

    run = functions("prune").invoke(event("prune/direct_dry_run"))

    assert run["result"]["dry_run"] is True
    assert len(project.primary.of_backups) == 18


def test_a_direct_restore_restores(functions: Functions, project: Project) -> None:
    before = project.database.everything()
    back_up(project.database, project.primary)
    project.database.delete(ITEMS, id=1)

    run = functions("restore").invoke({**event("restore/direct"), "confirm": PROJECT})

    assert run["status"] == "complete"
    assert project.database.everything() == before


def test_rows_that_the_database_refuses_make_a_restore_partial(
    functions: Functions, project: Project
) -> None:
    back_up(project.database, project.primary)
    project.database.delete(CUSTOMERS, id=1)
    project.database.delete(ORDERS, id=1)

    run = functions("restore").invoke(
        {**event("restore/direct"), "confirm": PROJECT, "tables": ["orders"]}
    )

    assert run["status"] == "partial"
    assert run["result"]["tables"][0]["refused"] == 1


@pytest.mark.parametrize(
    ("function", "payload", "named"),
    [
        ("backup", {}, "action"),
        ("backup", {"action": "restore"}, "action"),
        ("backup", {"action": "backup", "tables": []}, "tables"),
        ("backup", {"action": "backup", "name": 5}, "name"),
        ("backup", {"action": "backup", "trigger": "cli"}, "trigger"),
        ("backup", {"source": "supakeep.schedule"}, "scheduled_at"),
        ("backup", {"source": "aws.s3", "time": "2026-11-22T03:00:00Z"}, "source"),
        ("backup", {"source": "supakeep.schedule", "scheduled_at": "soon"}, "scheduled_at"),
        ("restore", {"action": "restore"}, "name"),
        ("restore", {"action": "restore", "name": "latest", "dry_run": "no"}, "dry_run"),
        ("prune", {"action": "prune", "dry_run": 0}, "dry_run"),
        ("prune", {"action": "prune", "all": True}, "all"),
    ],
)
def test_an_event_of_the_wrong_shape_is_refused_by_the_field(
    functions: Functions, project: Project, function: Any, payload: dict[str, Any], named: str
) -> None:
    place_backup(project.primary)
    before = dict(project.primary.objects)

    with pytest.raises(InvalidRequestError, match=f"The event is not valid: {named}"):
        functions(function).invoke(payload)

    assert project.primary.objects == before


def test_a_backup_ends_before_the_functions_time_does(
    functions: Functions, project: Project
) -> None:
    with pytest.raises(DeadlineExceededError, match="time ran out"):
        functions("backup").invoke(event("backup/schedule"), remaining_milliseconds=19_000)

    assert not any(key.endswith(".manifest.json") for key in project.primary.objects)
    assert functions("backup").runs.list(1)[0].status == "failed"
