from __future__ import annotations

import json

from tests.e2e.deployment import Deployment


def test_a_backup_is_logged_in_the_shape_of_the_guide(supakeep: Deployment) -> None:
    run = supakeep.back_up()

    ended = [line for line in supakeep.logged() if line.get("message") == "Backup complete"]
    entry = next(line for line in ended if line["context"]["runId"] == run["id"])
    assert (entry["type"], entry["scope"]) == ("info", "Backup:Cron")
    assert entry["context"]["backupName"] == run["backup"]
    assert entry["context"]["size"] == run["result"]["size_bytes"]
    assert 0 < entry["context"]["duration"] < 60_000
    assert entry["function_request_id"]
    assert isinstance(entry["cold_start"], bool)


def test_a_manual_backup_has_its_own_scope(supakeep: Deployment) -> None:
    run = supakeep.follow(supakeep.call("POST", "/api/admin/backup"))
    # the record is final a moment before the line is written
    supakeep.stack.wait_idle()

    ended = [line for line in supakeep.logged() if line.get("message") == "Backup complete"]
    entry = next(line for line in ended if line["context"]["runId"] == run["id"])
    assert entry["scope"] == "Backup:Manual"


def test_metrics_go_to_the_namespace_and_service_that_the_alarm_looks_at(
    supakeep: Deployment,
) -> None:
    supakeep.back_up()
    alarms = supakeep.stack.template.resources("AWS::CloudWatch::Alarm").values()
    watched = [query["MetricStat"] for a in alarms for query in a.get("Metrics", ())[1:]]
    metrics = {stat["Metric"]["MetricName"]: stat["Metric"] for stat in watched}
    assert metrics.keys() == {"NewestGoodBackupAge", "NewestProofAge"}
    alarm = metrics["NewestGoodBackupAge"]

    written = [line for line in supakeep.logged() if "BackupRows" in line]
    latest = written[-1]
    emf = latest["_aws"]["CloudWatchMetrics"][0]
    names = {metric["Name"] for metric in emf["Metrics"]}
    assert emf["Namespace"] == alarm["Namespace"]
    assert ["service"] in emf["Dimensions"]
    assert alarm["MetricName"] in names
    assert alarm["Dimensions"] == [{"Name": "service", "Value": latest["service"]}]
    assert names >= {"BackupDuration", "BackupRows", "BackupBytes", "GoodBackups"}
    assert latest["NewestGoodBackupAge"] == [0.0]


def test_the_age_is_measured_by_the_schedule(supakeep: Deployment) -> None:
    backup = supakeep.back_up()
    functions = supakeep.stack.template.functions()
    [prune] = [f for f in functions if f.logical_id == "PruneFunction"]
    [schedule] = [s for s in prune.schedules if s.name.endswith("-measure")]

    answer = supakeep.invoke("PruneFunction", json.loads(schedule.payload))

    assert answer == {"newest_good_at": backup["result"]["started_at"].replace("Z", "+00:00")}
    lines = supakeep.logged()
    ages = [line["NewestGoodBackupAge"] for line in lines if "NewestGoodBackupAge" in line]
    assert 0 <= ages[-1][0] < 600


def test_a_failure_is_logged_with_its_fix_and_counted(supakeep: Deployment) -> None:
    answer = supakeep.stack.invoke(
        "RestoreFunction", {"action": "restore", "name": "backup_jewelshot-local_2020-01-01"}
    )

    assert answer.error is not None
    errors = [line for line in supakeep.logged() if line.get("type") == "error"]
    entry = next(e for e in errors if e["message"].startswith("No backup is named"))
    assert entry["scope"] == "Restore"
    assert "supakeep list" in entry["context"]["hint"]
    assert any(line.get("RestoreFailures") == [1.0] for line in supakeep.logged())


def test_no_key_ever_stands_in_a_log(supakeep: Deployment) -> None:
    supakeep.back_up()
    supakeep.call("POST", "/api/admin/backup", key="wrong-but-sent")
    stack = supakeep.stack
    logs = [file.read_text(errors="replace") for file in stack.logs.glob("*")]
    for secret in (
        *(stack.service_key, stack.admin_key, stack.cron_secret, stack.signing_key),
        "wrong-but-sent",
    ):
        assert [log for log in logs if secret in log] == []
