from __future__ import annotations

from typing import Any

import pytest

from supakeep.api.answers.runs import RunAnswer
from supakeep.domain.engine import POSTGRES
from supakeep.domain.manifest import Trigger
from supakeep.domain.run import Run, RunKind
from tests.fakes.time import NOON
from tests.unit.api.conftest import Functions

pytestmark = pytest.mark.filterwarnings("ignore:No application metrics to publish")


def a_run(**fields: Any) -> Run:
    values: dict[str, Any] = {
        "id": "20261122T120000Z-1a2b3c4d",
        "kind": RunKind.BACKUP,
        "trigger": Trigger.API,
        "requested_at": NOON,
    }
    return Run(**{**values, **fields})


@pytest.mark.parametrize(
    ("run", "words"),
    [
        (a_run(), "a request with the admin key"),
        (a_run(trigger=Trigger.CLI), "the command line"),
        (a_run(trigger=Trigger.SCHEDULE), "a call of /api/cron/backup"),
        (a_run(trigger=Trigger.SCHEDULE, id="20261122T030000Z-schedule"), "the schedule"),
        (
            a_run(trigger=Trigger.SCHEDULE, id="20261122T043000Z-prune", kind=RunKind.PRUNE),
            "the schedule",
        ),
        (
            a_run(kind=RunKind.PRUNE, after="20261122T030000Z-x1x2"),
            "the end of run 20261122T030000Z-x1x2",
        ),
    ],
)
def test_a_run_says_what_started_it(run: Run, words: str) -> None:
    assert RunAnswer.of(run, POSTGRES, None).started_by == words


def test_a_prune_names_the_backup_whose_end_started_it(functions: Functions) -> None:
    pruned = functions("prune").invoke(
        {"action": "prune", "trigger": "api", "after": "20261122T110000Z-1a2b3c4d"}
    )

    told = functions("restore").request("GET", f"/api/admin/runs/{pruned['id']}").body
    assert told["started_by"] == "the end of run 20261122T110000Z-1a2b3c4d"
    assert told["log_url"] is None
