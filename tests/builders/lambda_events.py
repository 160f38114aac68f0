"""What Lambda hands to a function: HTTP API events of payload format 2.0, and the context."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import SecretStr

from supakeep.archive.encryption import Identities
from supakeep.archive.signature import Keyring
from supakeep.domain.engine import Engine
from supakeep.domain.policy import BackupPolicy
from supakeep.ports import (
    ApiKeyStore,
    Clock,
    Database,
    Dispatcher,
    Notifier,
    ObjectStore,
    ProjectFiles,
    RunStore,
    ScratchServer,
    Silence,
)
from supakeep.runs.in_memory import InMemoryRunStore
from supakeep.runs.in_memory_keys import InMemoryApiKeyStore
from supakeep.settings import Settings
from tests.builders.backups import EVERYTHING
from tests.builders.manifests import PROJECT
from tests.fakes.database import InMemoryDatabase
from tests.fakes.object_store import InMemoryObjectStore
from tests.fakes.runs import InMemoryDispatcher
from tests.fakes.scratch import InMemoryScratchServer
from tests.fakes.time import FixedClock

ADMIN_KEY = "the-admin-key"
CRON_SECRET = "the-cron-secret"


@dataclass
class InvocationContext:
    """As much of Lambda's context as the functions use."""

    function_name: str = "supakeep-test"
    memory_limit_in_mb: int = 512
    invoked_function_arn: str = "arn:aws:lambda:eu-central-1:123456789012:function:supakeep-test"
    log_group_name: str = "/aws/lambda/supakeep-test"
    aws_request_id: str = "b1b7a7c2-3b2a-4b1e-9f5d-0c8a3e2f1d00"
    remaining_milliseconds: int = 600_000

    def get_remaining_time_in_millis(self) -> int:
        return self.remaining_milliseconds


def http_event(
    method: str,
    path: str,
    *,
    key: str | None = ADMIN_KEY,
    body: object = None,
    raw_body: str | None = None,
    query: dict[str, str] | None = None,
    headers: dict[str, str] | None = None,
) -> dict[str, Any]:
    """`body` is sent as JSON, `raw_body` as it is; `key` None sends no Authorization."""
    sent = raw_body if raw_body is not None or body is None else json.dumps(body)
    authorization = {"authorization": f"Bearer {key}"} if key is not None else {}
    return {
        "version": "2.0",
        "routeKey": f"ANY {path}",
        "rawPath": path,
        "rawQueryString": "&".join(f"{name}={value}" for name, value in (query or {}).items()),
        "queryStringParameters": query or {},
        "headers": {"content-type": "application/json", **authorization, **(headers or {})},
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "abcdefghij",
            "domainName": "abcdefghij.execute-api.eu-central-1.amazonaws.com",
            "http": {
                "method": method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "203.0.113.7",
                "userAgent": "curl/8",
            },
            "requestId": "JKJaXmPLvHcESHA=",
            "routeKey": f"ANY {path}",
            "stage": "$default",
            "time": "22/Nov/2026:12:00:00 +0000",
            "timeEpoch": 1795348800000,
        },
        "body": sent,
        "isBase64Encoded": False,
    }


def settings(**fields: Any) -> Settings:
    return Settings(
        **{
            "supabase_url": f"https://{PROJECT}.supabase.co",
            "project_ref": PROJECT,
            "service_role_key": SecretStr("sb_secret_of_the_project"),
            "admin_key": SecretStr(ADMIN_KEY),
            "cron_secret": SecretStr(CRON_SECRET),
            "function_name": "supakeep-test",
            "prune_function_name": "supakeep-prune",
            **fields,
        }
    )


@dataclass
class Project:
    """A project in memory: what the functions see instead of Supabase and AWS."""

    database: InMemoryDatabase
    primary: InMemoryObjectStore
    mirror: InMemoryObjectStore
    dispatcher: InMemoryDispatcher
    clock: FixedClock

    def served(self, **fields: Any) -> ServedProject:
        """What the functions are given; `fields` are settings."""
        return ServedProject(
            settings=settings(**fields),
            database=self.database,
            primary=self.primary,
            mirror=self.mirror,
            dispatcher=self.dispatcher,
            clock=self.clock,
        )


@dataclass
class ServedProject:
    """A project whose adapters a test may exchange, with a run store of its own."""

    settings: Settings
    database: Database
    primary: ObjectStore
    mirror: ObjectStore | None
    dispatcher: Dispatcher
    clock: Clock
    policy: BackupPolicy = EVERYTHING
    run_store: RunStore = field(default_factory=InMemoryRunStore)
    api_keys: ApiKeyStore = field(default_factory=InMemoryApiKeyStore)
    notifier: Notifier = field(default_factory=Silence)
    has_storage: bool = True
    further_copies: Sequence[ObjectStore] = ()
    files: ProjectFiles | None = None
    max_object_bytes: int = 45_000_000
    identity: str | None = None
    keyring: Keyring | None = None
    scratch_server: ScratchServer = field(default_factory=InMemoryScratchServer)

    def identities(self) -> Identities:
        return Identities(self.identity)

    @property
    def copies(self) -> Sequence[ObjectStore]:
        """The mirror, where there is one, and the further ones."""
        return [*([self.mirror] if self.mirror is not None else []), *self.further_copies]

    @property
    def ref(self) -> str:
        return self.settings.project_ref

    @property
    def engine(self) -> Engine:
        return self.database.engine

    @property
    def destination(self) -> str:
        return self.settings.destination
