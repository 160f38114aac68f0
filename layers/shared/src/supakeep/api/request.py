"""One HTTP request: the project that it is about, and the time that is left to answer it."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable
from typing import Any, Protocol

from supakeep.api.access import Caller, Callers
from supakeep.api.refusals import Refusals
from supakeep.errors import DeadlineExceededError
from supakeep.ports import ApiKeyStore, Clock, Notifier, ObjectStore, ScratchServer
from supakeep.settings import Settings
from supakeep.stores.remembering import ManifestMemory, RememberingObjectStore
from supakeep.stores.within_deadline import ObjectStoreWithinDeadline
from supakeep.usecases.audit_log import AuditLog
from supakeep.usecases.choose_stores import stores_named
from supakeep.usecases.project import Project

# API Gateway answers 503 after 30 s, whatever the function does then. Nothing is begun after the
# first time, so that the slowest call still ends before that; nothing is accepted after the second.
LAST_STEP_SECONDS = 12.0
LAST_ANSWER_SECONDS = 25.0
_REPLAYED_AFTER = dt.timedelta(minutes=5)


class ServedProject(Project, Protocol):
    """A project whose settings hold the keys of those who may call, and whose backups can be drilled."""

    @property
    def settings(self) -> Settings: ...

    @property
    def api_keys(self) -> ApiKeyStore: ...

    @property
    def notifier(self) -> Notifier: ...

    @property
    def scratch_server(self) -> ScratchServer:
        """Where drills restore to."""
        ...


class AnswerDeadline:
    """When the answer to a request must be on its way."""

    def __init__(self, clock: Clock, received_at: dt.datetime, seconds: float) -> None:
        self._clock = clock
        self._end = received_at + dt.timedelta(seconds=seconds)

    def check(self) -> None:
        if self._clock.now() > self._end:
            raise DeadlineExceededError(
                "Supabase or AWS took too long to answer this request; nothing was started",
                operation="answer request",
                hint="Try again. If it happens each time, look at the function's log, and ask from "
                "the command line, which has more time.",
            )


class Request:
    """One HTTP request about a project. `memories` are the manifests that earlier ones have read, by
    the store's name.
    """

    def __init__(
        self,
        project: ServedProject,
        event: dict[str, Any],
        memories: defaultdict[str, ManifestMemory],
    ) -> None:
        self.project = project
        # whoever calls is known once the key was looked at
        self.caller = Caller("nobody", frozenset(), "unknown")
        self._memories = memories
        received_at = _received_at(event, project.clock.now())
        self.last_step = AnswerDeadline(project.clock, received_at, LAST_STEP_SECONDS)
        self.last_answer = AnswerDeadline(project.clock, received_at, LAST_ANSWER_SECONDS)

    def stores(self, name: str | None = None) -> list[ObjectStore]:
        """The stores of `stores_named`; each of their calls first looks at the time that is left."""
        return [self._bounded(store) for store in stores_named(self.project, name)]

    @property
    def audit_log(self) -> AuditLog:
        """Where it is recorded what the caller does."""
        return AuditLog.of(self.project, self.stores)

    @property
    def primary(self) -> ObjectStore:
        return self._bounded(self.project.primary)

    def _bounded(self, store: ObjectStore) -> ObjectStore:
        remembering = RememberingObjectStore(store, self._memories[store.name])
        return ObjectStoreWithinDeadline(remembering, self.last_step)


class Requests:
    """The request that this execution environment answers now; it has one at a time."""

    def __init__(self, project: Callable[[], ServedProject]) -> None:
        self._project = project
        self._current: Request | None = None
        self.callers, self.refusals = Callers(), Refusals()
        self._memories: defaultdict[str, ManifestMemory] = defaultdict(ManifestMemory)

    def begin(self, event: dict[str, Any]) -> Request:
        """Raises ConfigurationError where the settings are wrong."""
        self._current = Request(self._project(), event, self._memories)
        return self._current

    def __call__(self) -> Request:
        """The present request, as routes ask for it."""
        if self._current is None:
            raise RuntimeError("no request has begun")
        return self._current


def _received_at(event: dict[str, Any], now: dt.datetime) -> dt.datetime:
    """When API Gateway received the request: a cold start has passed since. An event that is far
    older or younger was kept and is replayed (`sam local invoke`), and nobody waits at a gateway.
    """
    milliseconds = event["requestContext"].get("timeEpoch")
    if not isinstance(milliseconds, int):
        return now
    received_at = dt.datetime.fromtimestamp(0, dt.UTC) + dt.timedelta(milliseconds=milliseconds)
    return received_at if abs(now - received_at) < _REPLAYED_AFTER else now
