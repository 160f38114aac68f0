"""A project with two stores, a table of runs, a secret and three functions, all behind the proxy."""

from __future__ import annotations

import datetime as dt
import io
import logging
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest

from supakeep.api.runtime import Projects
from supakeep.databases.data_api import client as data_api
from supakeep.domain.policy import BackupPolicy
from supakeep.stores.retrying import RetryingObjectStore
from supakeep.wiring import SupabaseProject, Timeouts
from tests.builders.backups import a_shop
from tests.builders.lambda_events import InvocationContext
from tests.builders.lambda_functions import MODULES
from tests.builders.manifests import PROJECT
from tests.fakes.database import InMemoryDatabase
from tests.fakes.storage_server import InMemoryStorageServer
from tests.fakes.time import FixedClock
from tests.faults.calls import Journal
from tests.faults.http_faults import HttpFault
from tests.faults.proxy import FaultProxy
from tests.faults.servers import LambdaService, MotoAws, StorageService

SIGNING_KEY = "the-signing-key-that-nobody-may-see-01"
SECRET = {
    "SUPABASE_SERVICE_ROLE_KEY": "sb_secret_that_nobody_may_see",
    "ADMIN_KEY": "the-admin-key-that-nobody-may-see",
    "CRON_SECRET": "the-cron-secret-that-nobody-may-see",
    "SIGNING_KEY": SIGNING_KEY,
}
AWS_SECRET_KEY = "the-aws-secret-key-that-nobody-may-see"
SECRETS = (*SECRET.values(), AWS_SECRET_KEY)

NIGHT = dt.datetime(2026, 11, 22, 3, 0, 5, tzinfo=dt.UTC)
POLICY = BackupPolicy.parse('[backup]\ntables = "*"\n[retention]\nkeep_within_days = 7')
# two pauses fit into it, so that what fails once is repeated, and what fails for ever is given up soon
GIVE_UP_AFTER_SECONDS = 2.0
_FASTER = 200

PATIENT = Timeouts(30, 30, 30, 30, aws_attempts=2)
IMPATIENT = Timeouts(5, 0.4, 0.4, 0.4, aws_attempts=2)

Rows = Mapping[str, list[bytes]]
Stores = dict[str, dict[str, bytes]]


@dataclass(frozen=True)
class Outcome:
    """What a use case gave or raised, and all that it said on the way."""

    result: Any = None
    error: BaseException | None = None
    said: str = ""


@dataclass
class World:
    """Starts with the objects of `seed`. The database is in memory, everything else is behind HTTP."""

    proxy: FaultProxy
    aws: MotoAws
    seed: Mapping[str, bytes] = field(default_factory=dict)
    shop: InMemoryDatabase = field(default_factory=a_shop)
    clock: FixedClock = field(default_factory=lambda: FixedClock(NIGHT, tick_seconds=0.25))
    timeouts: Timeouts = PATIENT
    folder: Path = Path()
    # the rows after a wreck, where there was one
    wrecked: Rows | None = None

    def __post_init__(self) -> None:
        self.storage = InMemoryStorageServer()
        self.handed_over: list[dict[str, Any]] = []
        self.proxy.journal = Journal()
        service = StorageService(SECRET["SUPABASE_SERVICE_ROLE_KEY"], self.storage)
        self.proxy.servers = {
            "storage": service.answer,
            "data api": service.answer,
            "lambda": LambdaService(self.handed_over).answer,
            **dict.fromkeys(("s3", "dynamodb", "secretsmanager"), self.aws.answer),
        }
        self.intact = self.shop.everything()
        self.aws.reset(SECRET)
        self.storage.objects = dict(self.seed)
        for key, content in self.seed.items():
            self.aws.put(key, content)

    @property
    def journal(self) -> Journal[HttpFault]:
        return self.proxy.journal

    @property
    def stores(self) -> Stores:
        """What each store holds, past the proxy and past Supakeep."""
        return {"primary": dict(self.storage.objects), "mirror": self.aws.objects}

    def project(self) -> SupabaseProject:
        """As a fresh execution environment builds it, from the environment and the secret."""
        environment = {
            "NEXT_PUBLIC_SUPABASE_URL": self.proxy.url,
            "SUPABASE_PROJECT_REF": PROJECT,
            "MIRROR_S3_BUCKET": "mirror",
            "MAX_OBJECT_BYTES": "1024",
            "RUNS_TABLE": "runs",
            "SECRET_ID": "supakeep",
            "AWS_LAMBDA_FUNCTION_NAME": "this-function",
            "PRUNE_FUNCTION_NAME": "the-prune-function",
        }
        return SupabaseProject.from_environment(
            environment, self.timeouts, database=self.shop, clock=self.clock, policy=POLICY
        )

    def invoke(self, function: str, event: dict[str, Any], **context: Any) -> Any:
        """Calls the function with the event, as Lambda does."""
        handler = MODULES[function].create_handler(Projects(self.project, self.project))
        return handler(event, InvocationContext(function_name=function, **context))

    def watch(self, work: Callable[[], Any]) -> Outcome:
        """Does the work, and notes all that it says."""
        with everything_said() as said:
            try:
                result, error = work(), None
            except Exception as exc:  # noqa: BLE001  (it is judged)
                result, error = None, exc
                hint = getattr(exc, "hint", None)
                said.write("".join([*traceback.format_exception(exc), f"hint: {hint}"]))
            said.write(repr(result))
        return Outcome(result, error, said.getvalue())


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


@contextmanager
def hurried() -> Iterator[None]:
    """Pauses between attempts last a fraction of their time, and few of them fit into an outage."""
    with pytest.MonkeyPatch.context() as patch:
        pause = SimpleNamespace(sleep=_nap)
        patch.setattr("supakeep.retries.sleep_using_event", lambda _: _nap)
        patch.setattr("botocore.endpoint.time", pause)
        patch.setattr(data_api, "OUTAGE_SECONDS", GIVE_UP_AFTER_SECONDS)
        defaults: Any = RetryingObjectStore.__init__.__kwdefaults__
        patch.setitem(defaults, "give_up_after_seconds", GIVE_UP_AFTER_SECONDS)
        yield


@dataclass
class KeptClients:
    """Makes each boto3 client once: making them takes longer than what they are asked."""

    made: dict[str, Any] = field(default_factory=dict)

    def client(self, service: str, *, config: Any, **options: Any) -> Any:
        as_asked = f"{service} {config._user_provided_options} {options}"
        if as_asked not in self.made:
            make: Any = boto3.client
            self.made[as_asked] = make(service, config=config, **options)
        return self.made[as_asked]


def _nap(seconds: float) -> None:
    time.sleep(seconds / _FASTER)


@contextmanager
def aws_environment(url: str) -> Iterator[None]:
    """boto3 talks to the proxy, and finds the credentials of these tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "AKIDOFTHEFAULTS")
        patch.setenv("AWS_SECRET_ACCESS_KEY", AWS_SECRET_KEY)
        patch.setenv("AWS_ENDPOINT_URL", url)
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        patch.setenv("POWERTOOLS_SERVICE_NAME", "supakeep")
        patch.delenv("AWS_SESSION_TOKEN", raising=False)
        patch.delenv("AWS_PROFILE", raising=False)
        patch.setattr(boto3, "DEFAULT_SESSION", None)
        kept = KeptClients()
        patch.setattr("supakeep.wiring.clients._session", lambda _: kept)
        yield
