"""Where Supakeep runs: a process with the functions, an environment, a clock and a database."""

from __future__ import annotations

import datetime as dt
import io
import logging
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from supakeep.api.runtime import Projects
from supakeep.domain.policy import BackupPolicy
from supakeep.ports import Database, ScratchServer
from supakeep.wiring import SupabaseProject, Timeouts
from tests.builders.backups import a_shop
from tests.builders.lambda_events import InvocationContext
from tests.builders.lambda_functions import MODULES
from tests.builders.manifests import PROJECT
from tests.fakes.database import InMemoryDatabase
from tests.fakes.scratch import InMemoryScratchServer
from tests.fakes.time import FixedClock
from tests.faults.secrets import NOTICES_SECRET

NIGHT = dt.datetime(2026, 11, 22, 3, 0, 5, tzinfo=dt.UTC)
POLICY = BackupPolicy.parse('[backup]\ntables = "*"\n[retention]\nkeep_within_days = 7')
PATIENT = Timeouts(30, 30, 30, 30, aws_attempts=2)
IMPATIENT = Timeouts(5, 0.4, 0.4, 0.4, aws_attempts=2)

Rows = Mapping[str, list[bytes]]


class Shop(Protocol):
    """Tables with rows in them, past Supakeep."""

    def everything(self) -> Rows:
        """All rows of all tables, to compare two moments."""
        ...

    def insert(self, table: str, row: Mapping[str, object]) -> None:
        """The row takes the place of one with its key."""
        ...

    def delete(self, table: str, **key: object) -> None: ...


@dataclass(frozen=True)
class Outcome:
    """What a use case gave or raised, and all that it said on the way."""

    result: Any = None
    error: BaseException | None = None
    said: str = ""


@dataclass
class Machine:
    """Reaches everything but its database through the proxy at `url`."""

    url: str
    shop: Shop = field(default_factory=a_shop)
    clock: FixedClock = field(default_factory=lambda: FixedClock(NIGHT, tick_seconds=0.25))
    policy: BackupPolicy = POLICY
    timeouts: Timeouts = PATIENT
    folder: Path = Path()
    milliseconds_left: int = 600_000
    scratch_server: ScratchServer = field(default_factory=InMemoryScratchServer)
    # every event, in the order in which they came
    delivered: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def project(self) -> SupabaseProject:
        """As a fresh execution environment builds it, from the environment and the secret."""
        environment = {
            "NEXT_PUBLIC_SUPABASE_URL": self.url,
            "SUPABASE_PROJECT_REF": PROJECT,
            "MIRROR_S3_BUCKET": "mirror",
            "MAX_OBJECT_BYTES": "1024",
            "RUNS_TABLE": "runs",
            "SECRET_ID": "supakeep",
            "AWS_LAMBDA_FUNCTION_NAME": "this-function",
            "PRUNE_FUNCTION_NAME": "the-prune-function",
            "WEBHOOK_URL": f"{self.url}/notices/{NOTICES_SECRET}/hook",
            "WEBHOOK_ON": "all",
            "PING_URL": f"{self.url}/notices/{NOTICES_SECRET}/ping?rid=1",
        }
        return SupabaseProject.from_environment(
            environment,
            self.timeouts,
            database=self.database,
            clock=self.clock,
            policy=self.policy,
            scratch_server=self.scratch_server,
        )

    @property
    def database(self) -> Database:
        """What backups read and restores write: here, the shop itself."""
        assert isinstance(self.shop, InMemoryDatabase)
        return self.shop

    def invoke(self, function: str, event: dict[str, Any], **context: Any) -> Any:
        """Calls the function with the event, as Lambda does."""
        handler = MODULES[function].create_handler(Projects(self.project, self.project))
        self.delivered.append((function, event))
        return handler(event, _Context(function_name=function, machine=self, **context))

    def watch(self, work: Callable[[], Any]) -> Outcome:
        """Does the work, and notes all that it says."""
        return watched(work)


def watched(work: Callable[[], Any]) -> Outcome:
    """What the work gives or raises, and all that it says."""
    with everything_said() as said:
        try:
            result, error = work(), None
        except Exception as exc:  # noqa: BLE001  (it is judged)
            result, error = None, exc
            hint = getattr(exc, "hint", None)
            said.write("".join([*traceback.format_exception(exc), f"hint: {hint}"]))
        said.write(repr(result))
    return Outcome(result, error, said.getvalue())


@dataclass
class _Context(InvocationContext):
    """Lambda's, with the time that the machine has left."""

    machine: Machine | None = None

    def get_remaining_time_in_millis(self) -> int:
        return self.machine.milliseconds_left if self.machine else self.remaining_milliseconds


@contextmanager
def everything_said() -> Iterator[io.StringIO]:
    """What is logged and printed in the block."""
    said = io.StringIO()
    own = logging.StreamHandler(said)
    library = logging.getLogger("supakeep")
    handlers = [handler for module in MODULES.values() for handler in module.logger.handlers]
    with ExitStack() as stack, redirect_stdout(said):
        for handler in handlers:
            stack.callback(setattr, handler, "stream", handler.stream)
            handler.stream = said
        library.addHandler(own)
        stack.callback(library.removeHandler, own)
        yield said
