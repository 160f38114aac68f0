"""A Postgres database of a test's own, backed up and restored by the real use cases."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Self
from uuid import uuid4

import psycopg

from devstack.processes.children import essential_environment
from devstack.supabase.postgres import Postgres
from supakeep.archive.reader import BackupReader
from supakeep.databases.postgres.database import PostgresDatabase
from supakeep.domain.manifest import Manifest
from supakeep.domain.policy import BackupPolicy
from supakeep.domain.restore import RestoredTable, RestoreReport, RestoreRequest
from supakeep.domain.row_changes import RestoreMode
from supakeep.ports import Deadline, Lease, ObjectStore, Progress
from supakeep.system import NoLease
from supakeep.usecases.restore_backup import RestoreBackup
from tests.builders.backups import back_up
from tests.builders.manifests import PROJECT
from tests.fakes.object_store import InMemoryObjectStore
from tests.fakes.runs import InMemoryProgress
from tests.fakes.time import NeverExpires

Counts = tuple[int, int, int, int]


def let_databases_be_made(server: Postgres) -> None:
    """From now on new databases let `postgres` create tables, as a hosted project's does.

    Its first query also leaves the cache of the catalog in `template1`. New databases inherit it, and
    save their first connection from building it.
    """
    address = f"postgresql://supabase_admin@127.0.0.1:{server.port}/template1"
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("grant create on schema public to postgres")


@dataclass
class PostgresProject:
    """A database that `postgres` owns, on a server that is shared and that lets databases be made."""

    server: Postgres
    connections: int = 2
    name: str = field(default_factory=lambda: f"test_{uuid4().hex[:12]}")

    def __enter__(self) -> Self:
        # a copy of its files takes a third of the time that a copy by way of the log takes
        self._on_server(f"create database {self.name} owner postgres strategy file_copy")
        self.owner = psycopg.connect(self.url(), autocommit=True)
        return self

    def __exit__(self, *_: object) -> None:
        self.owner.close()
        self._on_server(f"drop database {self.name} with (force)")

    def url(self, user: str = "postgres") -> str:
        return f"postgresql://{user}@127.0.0.1:{self.server.port}/{self.name}"

    @property
    def database(self) -> PostgresDatabase:
        return PostgresDatabase(self.url(), connections=self.connections)

    def sql(self, statements: str) -> None:
        """Runs statements as the owner."""
        self.owner.execute(statements.encode())

    def rows(self, query: str) -> list[Any]:
        return self.owner.execute(query.encode()).fetchall()

    def superuser(self, statements: str) -> None:
        with psycopg.connect(self.url("supabase_admin"), autocommit=True) as connection:
            connection.execute(statements.encode())

    @contextmanager
    def reconnected(self) -> Iterator[None]:
        """With the settings that the database has now."""
        before = self.owner
        with psycopg.connect(self.url(), autocommit=True) as self.owner:
            yield
        self.owner = before

    @contextmanager
    def weak_role(self) -> Iterator[str]:
        """A role with the rights of `postgres` that may not set session_replication_role."""
        role = f"{self.name}_weak"
        self.superuser(f"create role {role} login bypassrls in role postgres")
        self.superuser("revoke set on parameter session_replication_role from postgres")
        try:
            yield role
        finally:
            self.superuser("grant set on parameter session_replication_role to postgres")
            self.superuser(f"drop owned by {role}; drop role {role}")

    @contextmanager
    def strong_role(self) -> Iterator[str]:
        """The owner, who may set it."""
        yield "postgres"

    def back_up(
        self, *, schemas: tuple[str, ...] = ("public",), policy: str | None = None
    ) -> tuple[ObjectStore, Manifest]:
        """Everything in these schemas, or what a policy names; the backup is complete."""
        store = InMemoryObjectStore(piece_bytes=1024 * 1024)
        text = policy or f'[backup]\ntables = "*"\nschemas = {list(schemas)}'
        manifest = back_up(self.database, store, policy=BackupPolicy.parse(text))
        assert [table.error for table in manifest.tables if table.error] == []
        assert manifest.warnings == ()
        return store, manifest

    def restore(
        self,
        backup: tuple[ObjectStore, Manifest],
        *tables: str,
        mode: RestoreMode = RestoreMode.MERGE,
        dry_run: bool = False,
        user: str = "postgres",
        ignore_dropped_columns: bool = False,
        progress: Progress | None = None,
        deadline: Deadline | None = None,
        lease: Lease | None = None,
    ) -> RestoreReport:
        store, manifest = backup
        use_case = RestoreBackup(
            target=PostgresDatabase(self.url(user)),
            project=PROJECT,
            policy=BackupPolicy.of_tables(entry.name for entry in manifest.tables),
            deadline=deadline or NeverExpires(),
            progress=progress or InMemoryProgress(),
            lease=lease or NoLease(),
        )
        request = RestoreRequest(
            name=manifest.backup,
            confirm=PROJECT,
            tables=tables or None,
            mode=mode,
            dry_run=dry_run,
            ignore_dropped_columns=ignore_dropped_columns,
        )
        return use_case(request, BackupReader(manifest, [store]))

    def dump(self) -> str:
        """What `pg_dump --data-only` of the server's own release says; rows in a fixed order."""
        dumped = subprocess.run(
            [
                *(self.server.binaries / "pg_dump", "--data-only", "--extra-float-digits=3"),
                *("--restrict-key=fixed",) * self._has_restrict_key,
                self.url("supabase_admin"),
            ],
            capture_output=True, text=True, check=True, env=essential_environment(),
        )  # fmt: skip
        return re.sub(r"(?s)(FROM stdin;\n)(.*?\n)(\\\.\n)", _sorted_rows, dumped.stdout)

    @property
    def _has_restrict_key(self) -> bool:
        program = self.server.binaries / "pg_dump"
        told = subprocess.run(
            [program, "--help"], capture_output=True, text=True, check=True,
            env=essential_environment(),
        )  # fmt: skip
        return "--restrict-key" in told.stdout

    def _on_server(self, statement: str) -> None:
        with psycopg.connect(self.server.url("supabase_admin"), autocommit=True) as connection:
            connection.execute(statement.encode())


def counts(table: RestoredTable) -> Counts:
    """Inserted, updated, deleted, unchanged."""
    return table.inserted, table.updated, table.deleted, table.unchanged


def all_counts(report: RestoreReport) -> dict[str, Counts]:
    return {table.name: counts(table) for table in report.tables}


def _sorted_rows(block: re.Match[str]) -> str:
    rows = "".join(sorted(block[2].splitlines(keepends=True)))
    return block[1] + rows + block[3]
