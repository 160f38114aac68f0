"""Drills in the Lambda runtime, with PostgreSQL's programs from the layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devstack.aws.template import Template
from devstack.lambda_runtime.build import OUTPUT, build_layer

if TYPE_CHECKING:
    from tests.e2e.deployment import Deployment

DRILLS = "/api/admin/drills"
RUNGS = ["stored", "readable", "restorable", "identical", "asserted"]
# of a function with all its layers, before they are packed
LAMBDA_LIMIT_BYTES = 250 * 1024 * 1024


def test_the_nights_backup_is_drilled_over_http(supakeep: Deployment) -> None:
    backup = supakeep.back_up()["backup"]

    accepted = supakeep.call("POST", DRILLS)

    run = supakeep.follow(accepted)
    assert (accepted.json()["name"], run["kind"], run["error"]) == (backup, "drill", None)
    rungs = run["result"]["rungs"]
    assert [(rung["rung"], rung["outcome"]) for rung in rungs] == [
        (name, "proven") for name in RUNGS
    ]
    assert [a["name"] for a in run["result"]["assertions"] if a["holds"]] == [
        "no negative balance",
        "each transaction has a user",
        "the balance is what the last transaction left",
    ]
    assert rungs[3]["figures"]["rows"] == supakeep.manifest(backup).rows
    assert run["result"]["into"] == "embedded PostgreSQL"
    assert supakeep.is_pristine()


def test_all_layers_together_are_far_below_lambdas_limit(supakeep: Deployment) -> None:
    template = Template(parameters={"SupabaseUrl": supakeep.stack.supabase_url})
    folders = [build_layer(layer, OUTPUT) for layer in template.layers()]

    files = [file for folder in folders for file in folder.rglob("*") if file.is_file()]
    total = sum(file.stat().st_size for file in files)
    assert 40 * 1024 * 1024 < total < LAMBDA_LIMIT_BYTES * 0.6
