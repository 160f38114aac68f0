"""The whole local stack: started in parallel on free ports, and gone without a trace in the end."""

from __future__ import annotations

import json
import secrets
import shutil
import signal
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from devstack import PROJECT
from devstack.aws.gateway import Gateway, RunningGateway
from devstack.aws.services import Aws, create_resources, start_aws
from devstack.aws.template import Template
from devstack.lambda_runtime import rie
from devstack.lambda_runtime.build import OUTPUT, build
from devstack.lambda_runtime.deploy import deploy, function_environment
from devstack.lambda_runtime.functions import Functions, scheduled_payload
from devstack.lambda_runtime.runtime import Invocation, Sandbox
from devstack.processes.children import Children
from devstack.processes.locks import locked
from devstack.processes.ports import free_port
from devstack.supabase.lite import SupabaseLite, start_supabase_lite
from devstack.supabase.migrations import apply_migrations, create_jewelshot
from devstack.supabase.postgres import Postgres, remove_cluster, start_postgres
from supakeep.archive.signature import Keyring

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime
    from types import FrameType

PROJECT_REF = "jewelshot-local"
OWN_FOLDERS = ("supabase-lite", "aws", "logs")


@dataclass(frozen=True)
class Options:
    """How a stack differs from the usual one.

    Attributes:
        template: the template whose functions, routes and resources it has.
        build_folder: where the functions and the layer are built.
        parameters: values for the template's parameters.
        environment: variables for every function, on top of the template's.
        host: where its servers listen; `0.0.0.0` lets containers reach them.
        migrate: whether Jewelshot's tables are made and supabase/migrations applied.
        postgres_version: see `start_postgres`.
        file_size_limit: the largest object that Storage takes.
        gateway_seconds: the longest that an HTTP request may take.
        engine: `postgres` gives the functions the database's address as well.
    """

    template: Path = PROJECT / "template.yaml"
    build_folder: Path = OUTPUT
    parameters: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    host: str = "127.0.0.1"
    migrate: bool = True
    postgres_version: str | None = None
    file_size_limit: str = "50MiB"
    gateway_seconds: float = 30.0
    engine: Literal["rest", "postgres"] = "rest"


@dataclass(frozen=True)
class Stack:
    """A running stack; its keys are random and open nothing else."""

    folder: Path
    template: Template
    postgres: Postgres
    lite: SupabaseLite
    aws: Aws
    functions: Functions
    temporary_folder: Path
    """What the functions have as /tmp."""
    api_url: str
    admin_key: str = field(repr=False)
    cron_secret: str = field(repr=False)
    signing_key: str = field(repr=False)
    why_not_emulated: str | None
    """Why the functions run in plain processes, None where they run in the Lambda runtime."""
    engine: Literal["rest", "postgres"]
    """What the functions reach the database with."""

    @property
    def supabase_url(self) -> str:
        """The address of the Supabase project."""
        return self.lite.url

    @property
    def service_key(self) -> str:
        """The project's secret key."""
        return self.lite.secret_key

    @property
    def project_ref(self) -> str:
        """The project's ref, which its address does not show."""
        return PROJECT_REF

    @property
    def database_url(self) -> str:
        """The database, as the role that a hosted project's owner has."""
        return self.postgres.url()

    @property
    def database_place(self) -> str:
        """What a restore through `database_url` is confirmed with: that address shows no ref."""
        return f"127.0.0.1:{self.postgres.port}/postgres"

    @property
    def destination(self) -> str:
        """What a restore through the functions is confirmed with."""
        return self.project_ref if self.engine == "rest" else self.database_place

    @property
    def s3(self) -> str:
        """The address of S3 and of every other AWS service but Lambda."""
        return self.aws.endpoint

    @property
    def logs(self) -> Path:
        """The folder of log files: one per server, per runtime, and the gateway's."""
        return self.folder / "logs"

    @property
    def mirror_bucket(self) -> str:
        """The S3 bucket that the functions mirror to; empty if there is none."""
        return self._variable("MIRROR_S3_BUCKET")

    @property
    def runs_table(self) -> str:
        """The DynamoDB table of runs."""
        return self._variable("RUNS_TABLE")

    @property
    def keyring(self) -> Keyring:
        """What the functions sign backups with."""
        return Keyring(self.signing_key)

    def environment(self) -> dict[str, str]:
        """The environment, keys included, in which the functions and the command line use this stack."""
        function = next(iter(self.functions)).function
        return function_environment(function, self.aws, self.api_url, {}) | {
            "SUPABASE_SERVICE_ROLE_KEY": self.service_key,
            "ADMIN_KEY": self.admin_key,
            "CRON_SECRET": self.cron_secret,
            "SIGNING_KEY": self.signing_key,
            "AWS_DEFAULT_REGION": "us-east-1",
        }

    def shell_environment(self) -> dict[str, str]:
        """The settings of a person's shell in which the command line uses this stack, by the Data API."""
        everything = self.environment()
        aws = {k: v for k, v in everything.items() if k.startswith("AWS_") and "LAMBDA" not in k}
        return {
            **aws,
            "NEXT_PUBLIC_SUPABASE_URL": self.supabase_url,
            "SUPABASE_PROJECT_REF": self.project_ref,
            "SUPABASE_SERVICE_ROLE_KEY": self.service_key,
            "MIRROR_S3_BUCKET": self.mirror_bucket,
            "SIGNING_KEY": self.signing_key,
        }

    def invoke(self, function: str, event: object) -> Invocation:
        """Invokes a function by name or logical id and waits for its result."""
        return self.functions.find(function).invoke(json.dumps(event).encode())

    def invoke_later(self, function: str, event: object) -> None:
        """Invokes a function asynchronously, with the retries that the template says."""
        self.functions.find(function).enqueue(json.dumps(event).encode())

    def schedule(self, function: str, at: datetime | None = None) -> Invocation:
        """Fires a function's schedule by hand, as if it were `at`, and waits for the result."""
        deployed = self.functions.find(function)
        return deployed.invoke(scheduled_payload(deployed.function.schedules[0], at))

    def wait_idle(self, seconds: float = 120) -> None:
        """Waits until no asynchronous work is left.

        Raises:
            StackError: some is left after `seconds`.
        """
        self.functions.wait_idle(seconds)

    def _variable(self, name: str) -> str:
        return next(iter(self.functions)).function.environment.get(name, "")


@contextmanager
def local_stack(folder: Path | None = None, options: Options | None = None) -> Iterator[Stack]:
    """A running stack; leaving the context ends all of it, as does any end of this process.

    Args:
        folder: where it keeps its data and logs; a temporary one without it. The data are deleted
            before and after, the logs stay.
        options: how it differs from the usual one.

    Raises:
        StackError: something could not be built or started; the message names it and its log.
    """
    with ExitStack() as cleanup:
        cleanup.enter_context(terminated_as_exit())
        if folder is None:
            folder = Path(cleanup.enter_context(tempfile.TemporaryDirectory(prefix="supakeep-")))
        folder = folder.resolve()
        cleanup.enter_context(locked(folder / ".lock", wait=False))
        empty(folder)
        cleanup.callback(remove_cluster, folder / "postgres")
        yield start(folder, options or Options(), cleanup)


def start(folder: Path, options: Options, cleanup: ExitStack) -> Stack:
    """Starts everything, the slow parts beside each other; `cleanup` learns how to end it."""
    children = cleanup.enter_context(Children(folder / "logs"))
    lite_port = free_port()
    template = load_template(options, lite_port)
    names = ("ADMIN_KEY", "CRON_SECRET", "SIGNING_KEY")
    keys = {name: secrets.token_urlsafe(36) for name in names}
    gateway = RunningGateway(options.host)
    cleanup.callback(gateway.close)
    reason = rie.why_not_emulated()
    with ThreadPoolExecutor() as parallel:
        # the build first: if anything has changed, it keeps a core busy
        building = parallel.submit(build, template, options.build_folder)
        emulator = None if reason else parallel.submit(rie.emulator)
        project = parallel.submit(start_project, children, folder, options, lite_port)
        aws = parallel.submit(start_aws, children, folder / "aws", host=options.host).result()
        postgres, lite = project.result()
        project_keys = {"SUPABASE_SERVICE_ROLE_KEY": lite.secret_key}
        if options.engine == "postgres":
            project_keys["SUPABASE_DB_URL"] = postgres.url()
        create_resources(aws, template, {**project_keys, **keys})
    client = rie.runtime_client(folder / "runtime")
    temporary_folder = folder_for_all_users(children)
    functions = Functions(
        [
            deploy(
                children,
                aws,
                Sandbox(
                    function,
                    building.result()[function.logical_id],
                    function_environment(function, aws, gateway.url, options.environment),
                    client,
                    temporary_folder,
                ),
                emulator.result() if emulator else None,
            )
            for function in template.functions()
        ]
    )
    cleanup.callback(functions.close)
    gateway.serve(Gateway(functions, folder / "logs/gateway.log", seconds=options.gateway_seconds))
    return Stack(
        folder, template, postgres, lite, aws, functions, temporary_folder, gateway.url,
        keys["ADMIN_KEY"], keys["CRON_SECRET"], keys["SIGNING_KEY"], reason, options.engine,
    )  # fmt: skip


def folder_for_all_users(children: Children) -> Path:
    """What the functions have as /tmp. Everyone may pass through it: where this process is root, the
    PostgreSQL of a drill, which refuses to run as root, keeps its files in it as another user.
    """
    folder = Path(tempfile.mkdtemp(prefix="supakeep-tmp-"))
    folder.chmod(0o711)
    children.delete_at_end(folder)
    return folder


def load_template(options: Options, lite_port: int) -> Template:
    """The template with the local project as its parameters say."""
    parameters = {
        "SupabaseUrl": f"http://127.0.0.1:{lite_port}",
        "SupabaseProjectRef": PROJECT_REF,
        **options.parameters,
    }
    return Template(options.template, parameters)


def start_project(
    children: Children, folder: Path, options: Options, lite_port: int
) -> tuple[Postgres, SupabaseLite]:
    """The Supabase project: database, Data API and Storage, migrated."""
    postgres = start_postgres(children, folder / "postgres", version=options.postgres_version)
    lite = start_supabase_lite(
        children,
        folder / "supabase-lite",
        postgres.url("supabase_admin"),
        host=options.host,
        port=lite_port,
        file_size_limit=options.file_size_limit,
    )
    if options.migrate:
        create_jewelshot(postgres.url())
        apply_migrations(postgres.url())
    return postgres, lite


def empty(folder: Path) -> None:
    """Removes what an earlier stack left in a folder and makes the folders that this one needs."""
    remove_cluster(folder / "postgres")
    for name in OWN_FOLDERS:
        shutil.rmtree(folder / name, ignore_errors=True)
        (folder / name).mkdir(parents=True)


@contextmanager
def terminated_as_exit() -> Iterator[None]:
    """Turns SIGTERM into SystemExit, so that it ends the stack in order too."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def leave(signum: int, _frame: FrameType | None) -> None:
        raise SystemExit(128 + signum)

    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
