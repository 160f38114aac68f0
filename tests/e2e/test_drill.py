"""Drills in the Lambda runtime, with PostgreSQL's programs from the layer."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from devstack.aws.template import Template
from devstack.lambda_runtime.build import OUTPUT, build_layer
from tests.browser.history import held_up

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


def test_a_drill_that_was_killed_is_cleared_by_the_next_one(supakeep: Deployment) -> None:
    supakeep.back_up()
    killed = supakeep.call("POST", DRILLS).json()["run_id"]
    server = server_of_a_drill(supakeep)

    os.kill(parent_of(server), signal.SIGKILL)
    supakeep.stack.wait_idle()

    # as Lambda keeps /tmp, and nobody has told the server
    assert runs(server)
    assert left_of_drills(supakeep) != []
    # five minutes later
    supakeep.run_store.release_lease("drill", killed)
    ended = supakeep.follow(supakeep.call("POST", DRILLS))
    assert ended["status"] == "complete"
    assert left_of_drills(supakeep) == []
    assert not runs(server)


def test_a_drill_and_a_backup_run_beside_each_other(supakeep: Deployment) -> None:
    earlier = supakeep.back_up()["backup"]
    with held_up(supakeep):
        backup = supakeep.call("POST", "/api/admin/backup")
        drill = supakeep.follow(supakeep.call("POST", DRILLS, {"name": earlier}))
        meanwhile = supakeep.call("GET", backup.json()["status_url"]).json()

    assert (drill["status"], meanwhile["status"]) == ("complete", "running")
    assert supakeep.follow(backup)["status"] == "complete"


def left_of_drills(supakeep: Deployment) -> list[Path]:
    return [*supakeep.stack.temporary_folder.glob("supakeep-drill-*")]


def server_of_a_drill(supakeep: Deployment) -> int:
    """The ID of the PostgreSQL that a drill in a function has started."""
    give_up_at = time.monotonic() + 30
    while time.monotonic() < give_up_at:
        for file in supakeep.stack.temporary_folder.glob("supakeep-drill-*/data/postmaster.pid"):
            with suppress(OSError, IndexError):
                process = int(file.read_text().split()[0])
                # that of initdb, which works without a server, is negative
                if process > 0:
                    return process
        time.sleep(0.005)
    raise TimeoutError("no drill has started a server")


def parent_of(process: int) -> int:
    return int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])


def runs(process: int) -> bool:
    """Whether it is there and has not ended."""
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def test_all_layers_together_are_far_below_lambdas_limit(supakeep: Deployment) -> None:
    template = Template(parameters={"SupabaseUrl": supakeep.stack.supabase_url})
    folders = [build_layer(layer, OUTPUT) for layer in template.layers()]

    files = [file for folder in folders for file in folder.rglob("*") if file.is_file()]
    total = sum(file.stat().st_size for file in files)
    assert 40 * 1024 * 1024 < total < LAMBDA_LIMIT_BYTES * 0.6
