"""The servers that the contracts are held against: a Supabase project and AWS, started once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import httpx
import psycopg
import pytest
from _pytest.mark import ParameterSet
from google.auth.credentials import AnonymousCredentials
from google.cloud.storage import Client
from mypy_boto3_dynamodb import DynamoDBClient
from mypy_boto3_s3 import S3Client

from devstack.aws.services import Aws, start_aws
from devstack.processes.children import Children
from devstack.supabase.lite import SupabaseLite, start_supabase_lite
from devstack.supabase.migrations import apply_migrations
from devstack.supabase.postgres import Postgres, remove_cluster, start_postgres
from supakeep.databases.data_api.database import SupabaseRestDatabase
from supakeep.stores.supabase_storage import SupabaseObjectStore
from tests.builders.postgres_project import PostgresProject, let_databases_be_made
from tests.builders.rest_calls import RestCalls
from tests.contract.adapters import DATABASES, NEED_A_SERVER, Adapters
from tests.contract.gcs_emulator import gcs_emulator
from tests.contract.workbench import (
    InMemoryWorkbench,
    PostgresWorkbench,
    SupabaseWorkbench,
    Workbench,
)

HERE = Path(__file__).parent
RUNS_TABLE = "runs"

MakeStorage = Callable[..., SupabaseObjectStore]


def each_of(adapters: Adapters) -> list[ParameterSet | str]:
    """The adapters' names as a fixture's parameters; those that need a server are marked."""
    return [
        pytest.param(name, marks=pytest.mark.integration) if made in NEED_A_SERVER else name
        for name, made in adapters.items()
    ]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker("contract")
            item.add_marker("enable_socket")


@dataclass(frozen=True)
class Servers:
    """A migrated Supabase project, and AWS. Storage takes objects of up to 2 MiB."""

    postgres: Postgres
    lite: SupabaseLite
    aws: Aws


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    folder = tmp_path_factory.mktemp("servers")
    for name in ("logs", "lite", "aws"):
        (folder / name).mkdir()
    try:
        with Children(folder / "logs") as children, ThreadPoolExecutor() as parallel:
            aws = parallel.submit(start_aws, children, folder / "aws")
            postgres = start_postgres(children, folder / "postgres")
            lite = start_supabase_lite(
                children, folder / "lite", postgres.url("supabase_admin"), file_size_limit="2MiB"
            )
            apply_migrations(postgres.url())
            let_databases_be_made(postgres)
            yield Servers(postgres, lite, aws.result())
    finally:
        remove_cluster(folder / "postgres")


@pytest.fixture(scope="session")
def http() -> Iterator[httpx.Client]:
    """One client for every adapter, closed in the end."""
    with httpx.Client(timeout=60) as client:
        yield client


@pytest.fixture(scope="session")
def s3(servers: Servers) -> Iterator[S3Client]:
    client = servers.aws.s3()
    client.create_bucket(Bucket="backups")
    yield client
    client.close()


@pytest.fixture(scope="session")
def dynamodb(servers: Servers) -> Iterator[DynamoDBClient]:
    client = servers.aws.dynamodb()
    client.create_table(
        TableName=RUNS_TABLE,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "S"},
        ],
        KeySchema=[
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"},
        ],
    )
    yield client
    client.close()


@pytest.fixture(scope="session")
def gcs() -> Iterator[object]:
    """A client of an emulated Google Cloud Storage with the bucket `backups`."""
    with gcs_emulator("backups") as url:
        client = Client(
            project="test",
            credentials=cast(Any, AnonymousCredentials)(),
            client_options={"api_endpoint": url},
        )
        yield client
        client.close()


@pytest.fixture(scope="session")
def owner(servers: Servers) -> Iterator[psycopg.Connection]:
    """The project's database as its owner, `postgres`, sees it."""
    with psycopg.connect(servers.postgres.url(), autocommit=True) as connection:
        yield connection


@pytest.fixture
def rest(servers: Servers, http: httpx.Client) -> RestCalls:
    lite = servers.lite
    return RestCalls(SupabaseRestDatabase(lite.url, lite.secret_key, client=http))


@pytest.fixture
def supabase(owner: psycopg.Connection, rest: RestCalls) -> Iterator[SupabaseWorkbench]:
    """The real project, with a schema of the test's own that goes with it."""
    workbench = SupabaseWorkbench(owner, rest, f"bench_{uuid4().hex[:12]}")
    yield workbench
    owner.execute("reset role")
    workbench.execute("drop schema {schema} cascade")


@pytest.fixture
def postgres(servers: Servers, owner: psycopg.Connection) -> Iterator[PostgresWorkbench]:
    """The same project through its database's own address."""
    workbench = PostgresWorkbench(owner, servers.postgres, f"bench_{uuid4().hex[:12]}")
    yield workbench
    workbench.execute("drop schema {schema} cascade")


@pytest.fixture
def project(servers: Servers) -> Iterator[PostgresProject]:
    """An empty database of the test's own."""
    with PostgresProject(servers.postgres) as project:
        yield project


@pytest.fixture(scope="session")
def superuser(servers: Servers) -> Iterator[psycopg.Connection]:
    """What only Supabase itself may do; pgvector is there as on every project that asks for it."""
    url = servers.postgres.url("supabase_admin")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("create extension if not exists vector schema public")
        yield connection


@pytest.fixture(params=each_of(DATABASES))
def bench(request: pytest.FixtureRequest) -> Workbench:
    if request.param == "in_memory":
        return InMemoryWorkbench()
    workbench: Workbench = request.getfixturevalue(request.param)
    return workbench


@pytest.fixture
def storage(servers: Servers, http: httpx.Client) -> MakeStorage:
    """Makes a store over the project's Storage."""

    def make(bucket: str = "backups", key: str | None = None) -> SupabaseObjectStore:
        lite = servers.lite
        return SupabaseObjectStore(lite.url, key or lite.secret_key, bucket, client=http)

    return make


@pytest.fixture
def prefix() -> str:
    """The keys of a project of this test's own: what other tests stored is not its."""
    return f"daily/backup_{uuid4().hex}_"


@pytest.fixture
def key(prefix: str) -> str:
    return f"{prefix}2026-11-22.sql.json"
