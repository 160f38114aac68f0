from __future__ import annotations

import io
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Literal

import pytest

from supakeep.api.runtime import Projects
from supakeep.usecases.track_runs import TrackRuns
from tests.builders.backups import a_shop
from tests.builders.lambda_events import InvocationContext, Project, ServedProject, http_event
from tests.builders.lambda_functions import MODULES
from tests.fakes.object_store import InMemoryObjectStore
from tests.fakes.runs import InMemoryDispatcher
from tests.fakes.time import FixedClock
from tests.unit.api.emitted import Logs

FunctionName = Literal["backup", "restore", "prune"]


@dataclass(frozen=True)
class Answer:
    """An HTTP answer; `body` is parsed."""

    status: int
    body: Any
    headers: dict[str, str]


@dataclass(frozen=True)
class LocalFunction:
    """One of the three handlers over a project in memory."""

    name: str
    project: ServedProject

    @property
    def module(self) -> ModuleType:
        return MODULES[self.name]

    @property
    def runs(self) -> TrackRuns:
        return TrackRuns.of(self.project)

    def invoke(self, event: dict[str, Any], **context: Any) -> Any:
        handler = self.module.create_handler(Projects(lambda: self.project, lambda: self.project))
        return handler(event, InvocationContext(**context))

    def request(self, method: str, path: str, **fields: Any) -> Answer:
        return _answer(self.invoke(http_event(method, path, **fields)))

    def warm(self) -> Callable[..., Answer]:
        """One execution environment, which answers one request after the other."""
        handler = self.module.create_handler(Projects(lambda: self.project, lambda: self.project))
        return lambda *request, **fields: _answer(
            handler(http_event(*request, **fields), InvocationContext())
        )


def _answer(answer: Any) -> Answer:
    headers = {**answer.get("headers", {})}
    for name, values in answer.get("multiValueHeaders", {}).items():
        headers[name] = values[0]
    return Answer(answer["statusCode"], json.loads(answer["body"]), headers)


Functions = Callable[[FunctionName], LocalFunction]


@pytest.fixture(autouse=True)
def _lambda_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("AWS_", "SUPA", "POWERTOOLS_", "NEXT_PUBLIC_", "LAMBDA_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "supakeep")


@pytest.fixture
def project() -> Project:
    clock = FixedClock()
    return Project(
        database=a_shop(),
        primary=InMemoryObjectStore(clock=clock, piece_bytes=4096),
        mirror=InMemoryObjectStore("mirror", clock=clock, piece_bytes=4096),
        dispatcher=InMemoryDispatcher(),
        clock=clock,
    )


@pytest.fixture
def functions(project: Project) -> Functions:
    """The handlers, all three over one project and one run store."""
    served = project.served()
    return lambda name: LocalFunction(name, served)


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> Logs:
    """What the functions' loggers write, a JSON object a line."""
    stream = io.StringIO()
    for module in MODULES.values():
        for handler in module.logger.handlers:
            monkeypatch.setattr(handler, "stream", stream)
    return stream
