"""The definitions in a backup: what psql makes of them is what there was."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator

import pytest

from devstack.processes.children import essential_environment
from supakeep.archive.decoder import Decoder
from supakeep.databases.postgres import pg_dump
from supakeep.databases.postgres.database import PostgresDatabase
from supakeep.databases.postgres.pg_dump import found_program, target_of
from supakeep.domain.manifest import BackupStatus, Manifest, Trigger
from supakeep.domain.policy import BackupPolicy
from supakeep.domain.summary import BackupSummary
from supakeep.errors import ExportError
from tests.builders.backups import back_up
from tests.builders.postgres_project import PostgresProject
from tests.fakes.object_store import InMemoryObjectStore

pytestmark = pytest.mark.integration

POLICY = BackupPolicy.parse('[backup]\ntables = "public.*"\n[storage]\ncompression = "zstd"')
SHOP = """
create type mood as enum ('good', 'bad');
create table customers (id int generated always as identity primary key, mood mood not null);
create table orders (
  id int primary key, customer int not null references customers on delete cascade,
  amount numeric check (amount > 0), twice numeric generated always as (amount * 2) stored);
create index on orders (customer);
create view good as select * from customers where mood = 'good';
create function twice(n int) returns int language sql immutable as 'select n * 2';
alter table orders enable row level security;
create policy own on orders for select to authenticated using (customer = 1);
grant select on orders to authenticated;
comment on table orders is 'what they bought';
create schema auth;
create table auth.users (id int primary key);
"""


def definitions_of(manifest: Manifest, store: InMemoryObjectStore) -> str:
    assert manifest.definitions is not None
    stored = manifest.definitions.stored
    assert stored is not None, manifest.definitions.problem
    with store.read(stored.key) as pieces:
        content = b"".join(pieces)
    return b"".join(Decoder(manifest).content(stored, (p for p in [content]))).decode()


def what_pg_dump_says(project: PostgresProject) -> str:
    program = found_program(18)
    said = subprocess.run(
        [program.file, "--schema-only", "--no-owner", "--exclude-schema=auth", project.url()],
        env=program.environment(os.environ), capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    return "\n".join(line for line in said.splitlines() if not line.startswith("\\"))


def test_psql_makes_of_them_what_there_was(project: PostgresProject) -> None:
    project.sql(SHOP)
    store = InMemoryObjectStore()

    manifest = back_up(project.database, store, policy=POLICY)

    key = f"daily/{manifest.backup}.schema.sql.zst"
    assert [stored.key for stored in manifest.objects][-1] == key
    sql = definitions_of(manifest, store)
    assert "auth.users" not in sql
    with PostgresProject(project.server) as empty:
        done = subprocess.run(
            [found_program(18).file.with_name("psql"), empty.url(), "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1"],
            input=sql, env=essential_environment(), capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert what_pg_dump_says(empty) == what_pg_dump_says(project)


def test_they_are_of_the_moment_of_the_rows(project: PostgresProject) -> None:
    project.sql("create table t (id int primary key)")

    with project.database.snapshot() as snapshot:
        project.sql("create table later (id int primary key)")
        sql = b"".join(snapshot.definitions()).decode()

    assert "CREATE TABLE public.t " in sql
    assert "later" not in sql


def test_a_backup_for_an_undo_has_none(project: PostgresProject) -> None:
    project.sql("create table t (id int primary key)")

    manifest = back_up(project.database, InMemoryObjectStore(), trigger=Trigger.PRE_RESTORE)

    assert manifest.definitions is None


@pytest.fixture
def reader(project: PostgresProject) -> Iterator[str]:
    """A role that may read one table, and no other."""
    role = f"{project.name}_reader"
    project.sql("create table t (id int primary key); create table hidden (id int primary key)")
    project.superuser(
        f"create role {role} login; grant select on t to {role}; "
        f"revoke all on hidden from public, {role}"
    )
    yield role
    project.superuser(f"drop owned by {role}; drop role {role}")


def test_a_table_that_pg_dump_may_not_read_costs_the_definitions_only(
    project: PostgresProject, reader: str
) -> None:
    manifest = back_up(
        PostgresDatabase(project.url(reader)),
        InMemoryObjectStore(),
        policy=BackupPolicy.parse('[backup]\ntables = ["public.t"]\nauth = false'),
    )

    assert manifest.status is BackupStatus.COMPLETE
    assert manifest.definitions is not None
    assert manifest.definitions.stored is None
    assert manifest.definitions.problem is not None
    assert "permission denied for table hidden" in manifest.definitions.problem.message
    [warning] = BackupSummary.of(manifest, ["storage"]).warnings
    assert "permission denied for table hidden" in warning
    assert "grant the role SELECT" in warning


def test_a_server_newer_than_every_pg_dump_is_reported() -> None:
    with pytest.raises(ExportError, match="the server is PostgreSQL 99, and the newest pg_dump"):
        found_program(99)


def test_without_a_pg_dump_the_message_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pg_dump, "_PACKAGE", "no_such_package")
    monkeypatch.setenv("PATH", "/nowhere")

    with pytest.raises(ExportError, match="pg_dump is not installed") as raised:
        found_program(17)

    assert "supakeep[drill]" in str(raised.value.hint)


def test_a_password_stays_off_the_command_line() -> None:
    address, secret = target_of("postgresql://me:hush@db.example.com:5432/postgres")

    assert "hush" not in address
    assert "sslmode=require" in address
    assert secret == {"PGPASSWORD": "hush"}


def test_tls_is_there_and_obeyed(project: PostgresProject) -> None:
    """The wheel's own libpq would say that it does not support SSL."""
    program = found_program(18)

    done = subprocess.run(
        [program.file, "--schema-only", f"{project.url()}?sslmode=require"],
        env=program.environment(os.environ), capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert "server does not support SSL, but SSL was required" in done.stderr
