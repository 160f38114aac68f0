"""A deployed Supakeep as its users see it: HTTP, schedules, direct invocations, a shell."""

from __future__ import annotations

import datetime as dt
import json
import os
import sys
import time
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import httpx
import psycopg

from devstack.demo.seed import seed
from devstack.demo.wreckage import fingerprint, wreck
from devstack.stack import local_stack
from supakeep.archive.manifest import parse_manifest
from supakeep.domain.manifest import Manifest
from supakeep.runs.dynamodb import DynamoDbRunStore
from supakeep.settings import PACKAGED_POLICY
from supakeep.stores.s3 import S3ObjectStore
from supakeep.stores.supabase_storage import SupabaseObjectStore
from tests.builders.command_line import run_supakeep

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from devstack.lambda_runtime.runtime import Invocation
    from devstack.stack import Options, Stack
    from supakeep.ports import ObjectStore

Item = TypeVar("Item")

SUPAKEEP = Path(sys.executable).with_name("supakeep")
RUN_SECONDS = 60
# where backups and what is said about them lie
WRITTEN = ("daily/", "ledger/", "audit/")


@dataclass(frozen=True)
class Shell:
    """What a command answered."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Deployment:
    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.http = httpx.Client(timeout=60)
        self.s3 = stack.aws.s3()
        self.dynamodb = stack.aws.dynamodb()
        self.primary: ObjectStore = SupabaseObjectStore(
            stack.supabase_url, stack.service_key, "backups", client=self.http
        )
        self.mirror: ObjectStore = S3ObjectStore(self.s3, stack.mirror_bucket)
        self.run_store = DynamoDbRunStore(self.dynamodb, stack.runs_table, stack.project_ref)
        self.seeded_at = dt.datetime.now(dt.UTC)
        self.pristine: dict[str, tuple[int, str]] = {}

    def close(self) -> None:
        for client in (self.http, self.s3, self.dynamodb):
            client.close()

    @property
    def ref(self) -> str:
        return self.stack.project_ref

    # what users do

    def call(
        self, method: str, path: str, body: Any = None, *, key: str | None = "admin", **options: Any
    ) -> httpx.Response:
        """One HTTP request; `key` is `admin`, `cron`, any other text, or None for no header."""
        keys = {"admin": self.stack.admin_key, "cron": self.stack.cron_secret}
        headers = {} if key is None else {"Authorization": f"Bearer {keys.get(key, key)}"}
        headers |= options.pop("headers", {})
        if body is not None:
            options["json"] = body
        return self.http.request(method, f"{self.stack.api_url}{path}", headers=headers, **options)

    def back_up(self, at: dt.datetime | None = None) -> dict[str, Any]:
        """The nightly schedule at a moment, the present one by default; returns the run."""
        return returned(self.stack.schedule("BackupFunction", at))

    def invoke(self, function: str, event: Any) -> dict[str, Any]:
        return returned(self.stack.invoke(function, event))

    def follow(self, accepted: httpx.Response) -> dict[str, Any]:
        """The record of an accepted run once it has ended."""
        assert accepted.status_code == 202, accepted.text
        return self.ended(accepted.json()["status_url"])

    def ended(self, path: str) -> dict[str, Any]:
        deadline = time.monotonic() + RUN_SECONDS
        while time.monotonic() < deadline:
            run: dict[str, Any] = self.call("GET", path).json()
            if run["status"] not in ("queued", "running"):
                return run
            time.sleep(0.1)
        raise TimeoutError(f"{path} has not ended")

    def restore(self, name: str, **more: Any) -> dict[str, Any]:
        body = {"name": name, "confirm": self.stack.destination, **more}
        return self.follow(self.call("POST", "/api/admin/restore", body))

    def run(self, *arguments: str, **environment: str) -> Shell:
        """A command line, as a user's shell runs it against this deployment."""
        done = run_supakeep(
            *arguments, environment={**os.environ, **self.shell_environment, **environment}
        )
        return Shell(done.returncode, done.stdout, done.stderr)

    @property
    def shell_environment(self) -> dict[str, str]:
        return {**self.stack.shell_environment(), "SUPAKEEP_CONFIG": str(PACKAGED_POLICY)}

    # what is there

    def names(self) -> list[str]:
        return [b["name"] for b in self.call("GET", "/api/admin/backups").json()["backups"]]

    def keys(self, store: ObjectStore) -> list[str]:
        return [stored.key for stored in store.list("daily/")]

    def content(self, store: ObjectStore, key: str) -> bytes:
        with store.read(key) as pieces:
            return b"".join(pieces)

    def manifest(self, name: str, store: ObjectStore | None = None) -> Manifest:
        key = f"daily/{name}.manifest.json"
        return parse_manifest(self.content(store or self.primary, key), key)

    def execute(self, statement: str) -> list[tuple[Any, ...]]:
        """SQL as the project's owner."""
        with psycopg.connect(self.stack.database_url) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    @contextmanager
    def without_bucket(self) -> Iterator[None]:
        """Storage as if somebody had deleted the bucket `backups`, objects and all."""
        self._rename_bucket("backups", "deleted")
        try:
            yield
        finally:
            self._rename_bucket("deleted", "backups")

    def _rename_bucket(self, old: str, new: str) -> None:
        # Storage refuses to delete a bucket that holds objects, a foreign key to rename it
        with psycopg.connect(self.stack.postgres.url("supabase_admin")) as connection:
            connection.execute("set session_replication_role = replica")
            connection.execute(
                "update storage.buckets set id = %s, name = %s where id = %s", (new, new, old)
            )

    def logged(self) -> list[dict[str, Any]]:
        """Every JSON line that the functions have logged, metrics among them."""
        logs = (file.read_text(errors="replace") for file in self.stack.logs.glob("*"))
        lines = (line for log in logs for line in log.splitlines())
        return [json.loads(line) for line in lines if line.startswith('{"')]

    # how it is put back

    def state(self) -> dict[str, tuple[int, str]]:
        return fingerprint(self.stack.database_url)

    def is_pristine(self) -> bool:
        return self.state() == self.pristine

    def wreck(self) -> None:
        wreck(self.stack.database_url)

    def mend(self) -> None:
        if not self.is_pristine():
            self.reseed()

    def reseed(self) -> None:
        self.execute("truncate auth.users, operation_costs restart identity cascade")
        seed(self.stack.database_url, self.seeded_at)
        self.pristine = fingerprint(self.stack.database_url)

    @contextmanager
    def afresh(self) -> Iterator[Deployment]:
        """Without any backup or run, over Jewelshot as it was seeded; mended in the end."""
        self.forget_everything()
        yield self
        self.stack.wait_idle()
        self.mend()

    def forget_everything(self) -> None:
        """Many objects at a time: this stands before each test."""
        with psycopg.connect(self.stack.postgres.url("supabase_admin")) as connection:
            connection.execute("set session_replication_role = replica")
            connection.execute(
                "delete from storage.objects where bucket_id = 'backups' and name like any (%s)",
                [[f"{prefix}%" for prefix in WRITTEN]],
            )
        keys = [stored.key for prefix in WRITTEN for stored in self.mirror.list(prefix)]
        for some in batched(keys, 1000):
            objects: Any = {"Objects": [{"Key": key} for key in some], "Quiet": True}
            self.s3.delete_objects(Bucket=self.stack.mirror_bucket, Delete=objects)
        table = self.stack.runs_table
        for page in self.dynamodb.get_paginator("scan").paginate(TableName=table):
            keys_of_items = [{"pk": item["pk"], "sk": item["sk"]} for item in page["Items"]]
            for few in batched(keys_of_items, 25):
                requests: Any = [{"DeleteRequest": {"Key": key}} for key in few]
                self.dynamodb.batch_write_item(RequestItems={table: requests})


@contextmanager
def deployed(options: Options | None = None) -> Iterator[Deployment]:
    """A deployment on a local stack of its own, over a seeded Jewelshot."""
    with local_stack(options=options) as stack, closing(Deployment(stack)) as deployment:
        deployment.reseed()
        yield deployment


def batched(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    """As itertools does from Python 3.12 on."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


def returned(invocation: Invocation) -> dict[str, Any]:
    assert invocation.error is None, invocation.payload.decode()
    value: dict[str, Any] = invocation.value()
    return value
