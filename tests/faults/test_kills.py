"""The process of a use case is killed at every call, before and after that was carried out."""

from __future__ import annotations

import os
import signal
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.faults.calls import Call, Plan
from tests.faults.child import Assignment, start
from tests.faults.http_faults import Asked, HttpFault, Reply
from tests.faults.machine import NIGHT, Outcome
from tests.faults.matrix import MakeWorld, Matrix
from tests.faults.selection import one_of
from tests.faults.tally import SESSION, Failing, Finding
from tests.faults.use_cases import USE_CASES, UseCase
from tests.faults.world import World

# A restore into a database is killed where the database is real: test_postgres_faults.py. So is a drill, in
# tests/e2e/test_drill.py and tests/integration/test_drills.py: its server in memory ends with the process, and with
# it what the judge compares an entry of the ledger with.
KILLED = [use_case for use_case in USE_CASES if use_case.name not in ("restore", "list", "drill")]


class KilledError(Exception):
    """The process ended by SIGKILL."""


@dataclass(frozen=True)
class Killing:
    """Kills the process of a use case at `call`: before that is carried out, or after."""

    use_case: UseCase
    call: Call
    carried_out: bool
    folder: Path

    def __call__(self, world: World) -> tuple[Outcome, list[Finding]]:
        assignment = Assignment(
            self.use_case.name, world.url, NIGHT, world.folder, self.folder / "end"
        )
        started: Future[int] = Future()

        def kill(_: Asked, reply: Reply) -> Reply:
            os.kill(started.result(), signal.SIGKILL)
            return reply

        world.journal.plan = Plan(HttpFault("SIGKILL", kill, self.carried_out), self.call)
        process = start(assignment)
        started.set_result(process.pid or 0)
        process.join(timeout=60)
        world.journal.plan = None
        survived = process.exitcode != -signal.SIGKILL
        process.close()
        return Outcome(error=KilledError()), [Finding(Failing.OTHER, "it survived")] * survived


@pytest.mark.parametrize("carried_out", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("use_case", KILLED, ids=lambda use_case: use_case.name)
def test_a_process_that_is_killed_at_a_call_breaks_no_promise(
    use_case: UseCase,
    carried_out: bool,
    make_world: MakeWorld,
    recordings: dict[str, list[Call]],
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    matrix = Matrix(use_case, make_world, SESSION, recordings)

    broken = [
        sentence
        for call in one_of(matrix.calls(), request.node.name, request.config)
        for sentence in matrix.try_one(
            f"killed at {call}", Killing(use_case, call, carried_out, tmp_path)
        )
    ]

    if broken:
        pytest.fail("\n".join(broken), pytrace=False)
