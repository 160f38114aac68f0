"""A table that is emptied between two backups: nobody takes the second one for a good one."""

from __future__ import annotations

from typing import Any

import pytest

from devstack.demo.ageing import age
from tests.e2e.deployment import Deployment

EMPTIED = "public.credit_transactions"


@pytest.fixture
def old(supakeep: Deployment) -> str:
    """The name of the good backup before, which the next prune would remove, were there a newer one."""
    run = supakeep.back_up()
    # rows of a table that it could not export are not compared with: the next one would be complete
    assert run["status"] == "complete", run["result"]
    today = run["backup"]
    # a complete backup starts a prune
    supakeep.stack.wait_idle()
    for store in (supakeep.primary, supakeep.mirror):
        manifest = supakeep.manifest(today, store)
        for days in (1, 9):
            age(store, manifest, days, supakeep.stack.keyring)
        for key in [key for key in supakeep.keys(store) if today in key]:
            store.delete(key)
    return supakeep.names()[-1]


def counted(supakeep: Deployment, metric: str) -> list[float]:
    """The values of a metric, oldest first."""
    lines = [line for line in supakeep.logged() if metric in line]
    lines.sort(key=lambda line: line["_aws"]["Timestamp"])
    return [line[metric][0] for line in lines]


def pruned(supakeep: Deployment) -> dict[str, Any]:
    supakeep.stack.wait_idle()
    return supakeep.invoke("PruneFunction", {"action": "prune"})


def test_an_emptied_table_makes_the_backup_partial_until_it_is_accepted(
    supakeep: Deployment, old: str
) -> None:
    good, _ = supakeep.names()
    supakeep.execute("truncate credit_transactions")

    run = supakeep.back_up()

    # partial, and named
    assert run["status"] == "partial", run["result"]
    [shrunk] = run["result"]["shrinkage"]
    assert (shrunk["table"], shrunk["rows"], shrunk["rows_before"]) == (EMPTIED, 0, 10_000)
    assert "accept" in shrunk["hint"]
    # it rings the alarm on partial backups, by the metric that template.yaml watches
    alarms = supakeep.stack.template.resources("AWS::CloudWatch::Alarm").values()
    assert "PartialBackups" in [alarm.get("MetricName") for alarm in alarms]
    assert counted(supakeep, "PartialBackups")[-1] == 1
    assert counted(supakeep, "ShrunkTables")[-1] == 1
    # the one before stays the latest, and nothing is pruned
    assert supakeep.call("GET", "/api/admin/backups/latest").json()["name"] == good
    held = pruned(supakeep)
    assert held["status"] == "partial"
    assert f"{run['backup']} is partial" in held["result"]["held"]["message"]
    assert supakeep.names() == [run["backup"], good, old]

    # again, until somebody says that it is right
    assert supakeep.back_up()["status"] == "partial"
    accepted = supakeep.follow(
        supakeep.call("POST", "/api/admin/backup", {"accept_shrink": ["credit_transactions"]})
    )

    assert (accepted["status"], accepted["result"]["shrinkage"]) == ("complete", [])
    assert pruned(supakeep)["result"]["held"] is None
    latest = supakeep.call("GET", "/api/admin/backups/latest").json()["name"]
    assert latest == accepted["backup"]
    assert old not in supakeep.names()
    assert counted(supakeep, "PartialBackups")[-1] == 0
