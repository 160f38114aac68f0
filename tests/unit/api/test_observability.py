from __future__ import annotations

import pytest

from supakeep.domain.manifest import Trigger
from supakeep.domain.run import Run, RunKind
from supakeep.errors import (
    LeaseHeldError,
)
from tests.builders.lambda_events import Project
from tests.builders.manifests import PROJECT
from tests.fakes.faulty_object_store import FailingObjectStore
from tests.fakes.time import NOON
from tests.unit.api.conftest import Functions
from tests.unit.api.emitted import Logs, event, lines, metrics

pytestmark = pytest.mark.filterwarnings("ignore:No application metrics to publish")


def test_the_end_of_a_backup_is_logged_in_the_shape_of_the_guide(
    functions: Functions, project: Project, logged: Logs
) -> None:
    functions("backup").invoke(event("backup/schedule"))

    [line] = [line for line in lines(logged) if line["message"] == "Backup complete"]
    size = sum(
        len(content)
        for key, content in project.primary.of_backups.items()
        if not key.endswith(".manifest.json")
    )
    assert (line["type"], line["scope"]) == ("info", "Backup:Cron")
    assert line["context"] == {
        "runId": "20261122T030000Z-schedule",
        "backupName": f"backup_{PROJECT}_2026-11-22",
        "duration": 0,
        "size": size,
        "status": "complete",
    }
    assert line["function_request_id"] == "b1b7a7c2-3b2a-4b1e-9f5d-0c8a3e2f1d00"
    assert "cold_start" in line


def test_a_failure_is_logged_with_the_fix_and_counted(
    functions: Functions,
    project: Project,
    logged: Logs,
    capsys: pytest.CaptureFixture[str],
) -> None:
    project.primary.has_bucket = False

    with pytest.raises(Exception, match="bucket not found"):
        functions("backup").invoke(event("backup/direct"))

    errors = [line for line in lines(logged) if line["type"] == "error" and "scope" in line]
    assert errors[-1]["message"] == "Upload failed: Storage bucket not found"
    assert errors[-1]["scope"] == "Backup:Manual"
    assert "`supakeep migration`" in errors[-1]["context"]["hint"]
    assert metrics(capsys)["BackupFailures"] == 1


def test_a_good_backup_is_counted(functions: Functions, capsys: pytest.CaptureFixture[str]) -> None:
    functions("backup").invoke(event("backup/schedule"))

    counted = metrics(capsys)
    assert counted["GoodBackups"] == 1
    assert counted["PartialBackups"] == counted["MissedCopies"] == 0
    assert counted["BackupRows"] == 15
    assert counted["BackupBytes"] > 1000
    assert counted["NewestGoodBackupAge"] == 0
    assert "BackupDuration" in counted


def test_a_backup_whose_mirror_failed_is_counted_as_good_and_partial(
    functions: Functions, project: Project, capsys: pytest.CaptureFixture[str], logged: Logs
) -> None:
    functions("backup").project.mirror = FailingObjectStore(project.mirror, "put")

    functions("backup").invoke(event("backup/schedule"))

    counted = metrics(capsys)
    assert (counted["GoodBackups"], counted["PartialBackups"]) == (1, 1)
    assert counted["MissedCopies"] == 1
    warnings = [line["message"] for line in lines(logged) if line["type"] == "warn"]
    assert any(
        "The copy in mirror failed: mirror did not answer" in message for message in warnings
    )


def test_a_backup_that_lost_rows_is_partial_and_not_good_in_log_metric_and_run(
    functions: Functions,
    project: Project,
    capsys: pytest.CaptureFixture[str],
    logged: Logs,
) -> None:
    clock = project.clock
    functions("backup").invoke({"action": "backup"})
    metrics(capsys)
    for number in range(1, 6):
        project.database.delete("public.items", id=number)
    clock.advance(hours=1)
    asked = len(project.dispatcher.handed_over)

    run = functions("backup").invoke({"action": "backup"})

    assert run["status"] == "partial"
    assert run["result"]["shrinkage"][0]["table"] == "public.items"
    counted = metrics(capsys)
    assert (counted["GoodBackups"], counted["PartialBackups"], counted["ShrunkTables"]) == (0, 1, 1)
    assert "NewestGoodBackupAge" not in counted
    warnings = [line["message"] for line in lines(logged) if line["type"] == "warn"]
    assert any("public.items is empty" in w and "--accept-shrink" in w for w in warnings)
    assert len(project.dispatcher.handed_over) == asked  # no prune was started

    clock.advance(hours=1)
    accepting = {"action": "backup", "accept_shrink": ["items"]}
    assert functions("backup").invoke(accepting)["status"] == "complete"


def test_a_delivery_that_finds_the_run_at_work_counts_no_good_backup(
    functions: Functions, project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    at_work = Run(
        id="20261122T030000Z-schedule",
        kind=RunKind.BACKUP,
        trigger=Trigger.SCHEDULE,
        requested_at=NOON,
    ).started(NOON)
    functions("backup").project.run_store.create(at_work)

    run = functions("backup").invoke(event("backup/schedule"))

    assert run["status"] == "running"
    assert "GoodBackups" not in metrics(capsys)
    assert project.primary.objects == {}


def test_a_backup_beside_a_restore_is_refused_recorded_and_counted_as_failed(
    functions: Functions, capsys: pytest.CaptureFixture[str]
) -> None:
    functions("backup").runs.accept(RunKind.RESTORE, Trigger.API)

    with pytest.raises(LeaseHeldError):
        functions("backup").invoke(event("backup/schedule"))

    assert functions("backup").runs.get("20261122T030000Z-schedule").status == "failed"
    assert metrics(capsys)["BackupFailures"] == 1


def test_no_log_line_holds_a_secret(functions: Functions, project: Project, logged: Logs) -> None:
    functions("backup").invoke(event("backup/schedule"))
    functions("backup").request("POST", "/api/admin/backup", key="a wrong guess")

    text = logged.getvalue()
    assert "Unauthorized" in text
    for secret in ("sb_secret_of_the_project", "the-admin-key", "the-cron-secret", "wrong guess"):
        assert secret not in text
