"""Requests that take longer than API Gateway waits: whoever gets an error can be sure that nothing
starts.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from supakeep.api.request import LAST_ANSWER_SECONDS, LAST_STEP_SECONDS
from supakeep.domain.manifest import Trigger
from supakeep.domain.run import RunKind, RunStatus
from supakeep.errors import StorageUnavailableError
from supakeep.ports import StoredObject
from supakeep.wiring import FOR_ANSWERS
from tests.builders.backups import NAME, back_up
from tests.builders.lambda_events import CRON_SECRET, Project
from tests.fakes.object_store import InMemoryObjectStore
from tests.fakes.runs import InMemoryDispatcher
from tests.fakes.time import FixedClock
from tests.unit.api.asking import GOOD_BODY, RESTORE, asked
from tests.unit.api.conftest import Answer, FunctionName, Functions, LocalFunction

pytestmark = pytest.mark.filterwarnings("ignore:No application metrics to publish")

GATEWAY_SECONDS = 30


class SlowObjectStore(InMemoryObjectStore):
    """Each call takes `seconds` by the clock."""

    def __init__(self, name: str, clock: FixedClock, seconds: float) -> None:
        super().__init__(name, clock=clock, piece_bytes=4096)
        self.seconds = seconds
        self._slow_clock = clock

    @contextmanager
    def read(self, key: str) -> Iterator[Iterator[bytes]]:
        self._slow_clock.advance(seconds=self.seconds)
        with super().read(key) as pieces:
            yield pieces

    def list(self, prefix: str) -> Iterator[StoredObject]:
        self._slow_clock.advance(seconds=self.seconds)
        return super().list(prefix)


class SlowDispatcher(InMemoryDispatcher):
    """Hands over at once, and answers after `seconds` by the clock; meanwhile `happens`."""

    def __init__(self, clock: FixedClock, seconds: float) -> None:
        super().__init__()
        self._clock = clock
        self._seconds = seconds
        self.starts_on: LocalFunction | None = None

    def dispatch(self, action: Any, payload: dict[str, Any]) -> None:
        super().dispatch(action, payload)
        self._clock.advance(seconds=self._seconds)
        if self.starts_on is not None:
            self.starts_on.invoke({**payload, "action": action})


def elapsed(project: Project, ask: Any) -> tuple[Answer, float]:
    before = project.clock.now()
    answer: Answer = ask()
    return answer, (project.clock.now() - before).total_seconds()


def slow(functions: Functions, project: Project, seconds: float) -> None:
    """Both stores hold a backup, and each of their calls takes so long."""
    served = functions("restore").project
    primary, mirror = (SlowObjectStore(n, project.clock, 0) for n in ("primary", "mirror"))
    back_up(project.database, primary, mirror)
    for store in (primary, mirror):
        store.seconds = seconds
    served.primary, served.mirror = primary, mirror


REQUESTS: dict[str, tuple[FunctionName, str, str, dict[str, Any]]] = {
    "backup": ("backup", "POST", "/api/admin/backup", {}),
    "cron": ("backup", "POST", "/api/cron/backup", {"key": CRON_SECRET}),
    "restore": ("restore", "POST", RESTORE, {"body": GOOD_BODY}),
    "restore latest": ("restore", "POST", RESTORE, {"body": {**GOOD_BODY, "name": "latest"}}),
    "list": ("restore", "GET", "/api/admin/backups", {}),
    "show": ("restore", "GET", f"/api/admin/backups/{NAME}", {}),
    "download": ("restore", "GET", "/api/admin/backups/latest/download", {}),
    "prune": ("prune", "POST", "/api/admin/prune", {"body": {"dry_run": True}}),
}


@pytest.mark.parametrize("name", REQUESTS)
def test_a_request_is_answered_before_the_gateway_gives_up_however_slow_the_stores_are(
    functions: Functions, project: Project, name: str
) -> None:
    function, method, path, fields = REQUESTS[name]
    slow(functions, project, 9)

    answer, seconds = elapsed(project, lambda: functions(function).request(method, path, **fields))

    assert seconds < GATEWAY_SECONDS
    if answer.status == 504:
        assert "nothing was started" in answer.body["error"]
        assert project.dispatcher.handed_over == []
        assert functions(function).runs.list(10) == []


def test_a_restore_that_is_checked_too_slowly_is_refused_and_not_started(
    functions: Functions, project: Project
) -> None:
    slow(functions, project, 9)

    answer = asked(functions, name="latest")

    assert answer.status == 504
    assert answer.body["error"] == (
        "Supabase or AWS took too long to answer this request; nothing was started"
    )
    assert answer.body["hint"]
    assert project.dispatcher.handed_over == []
    assert functions("restore").runs.list(10) == []


def test_the_time_of_a_cold_start_counts(functions: Functions, project: Project) -> None:
    """It has passed before the function sees the request, and the gateway has counted it."""
    restore = functions("restore")
    back_up(project.database, project.primary, project.mirror)
    project.clock.advance(seconds=20)

    assert asked(functions).status == 504
    assert restore.runs.list(10) == []
    assert project.dispatcher.handed_over == []


def test_an_event_that_is_replayed_has_the_time_of_a_new_request(
    functions: Functions, project: Project
) -> None:
    """As `sam local invoke --event events/…` does."""
    back_up(project.database, project.primary, project.mirror)
    project.clock.advance(days=3)

    assert asked(functions).status == 202


@pytest.mark.parametrize(
    "attempts_seconds",
    [
        FOR_ANSWERS.connect_seconds + FOR_ANSWERS.storage_seconds,
        FOR_ANSWERS.connect_seconds + FOR_ANSWERS.mirror_seconds,
        FOR_ANSWERS.aws_attempts * (FOR_ANSWERS.connect_seconds + FOR_ANSWERS.aws_seconds),
    ],
)
def test_the_last_step_that_may_begin_ends_while_the_answer_still_counts(
    attempts_seconds: float,
) -> None:
    assert LAST_STEP_SECONDS + attempts_seconds < LAST_ANSWER_SECONDS < GATEWAY_SECONDS - 3


def test_a_run_whose_acceptance_comes_too_late_is_withdrawn_and_does_not_start(
    functions: Functions, project: Project
) -> None:
    back_up(project.database, project.primary, project.mirror)
    restore = functions("restore")
    dispatcher = restore.project.dispatcher = SlowDispatcher(project.clock, 26)
    project.database.delete("public.items", id=1)
    before = project.database.everything()

    answer = asked(functions)

    assert answer.status == 504
    [run] = restore.runs.list(10)
    assert run.status is RunStatus.WITHDRAWN
    [(action, payload)] = dispatcher.handed_over
    late = restore.invoke({**payload, "action": action})
    assert late["status"] == "withdrawn"
    assert project.database.everything() == before
    # and it is not in the way of another
    restore.runs.accept(RunKind.BACKUP, Trigger.API)


@pytest.mark.parametrize("lost", [False, True], ids=["late", "lost"])
def test_a_run_that_started_before_its_acceptance_was_answered_is_accepted(
    functions: Functions, project: Project, lost: bool
) -> None:
    back_up(project.database, project.primary, project.mirror)
    restore = functions("restore")
    dispatcher = SlowDispatcher(project.clock, 26)
    dispatcher.starts_on = restore
    restore.project.dispatcher = LosesItsAnswer(dispatcher) if lost else dispatcher

    answer = asked(functions)

    assert answer.status == 202
    assert restore.runs.get(answer.body["run_id"]).status is RunStatus.COMPLETE


class LosesItsAnswer:
    """Hands over, and fails afterwards."""

    def __init__(self, dispatcher: InMemoryDispatcher) -> None:
        self._dispatcher = dispatcher

    def dispatch(self, action: Any, payload: dict[str, Any]) -> None:
        self._dispatcher.dispatch(action, payload)
        raise StorageUnavailableError("The answer was lost", operation="dispatch")
