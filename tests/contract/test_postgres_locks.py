"""What is not of one moment with a snapshot (TRUNCATE, a rewrite, a DROP) waits for the backup's end."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from psycopg import errors

from supakeep.databases.postgres.database import PostgresDatabase
from supakeep.domain.manifest import BackupStatus
from supakeep.domain.policy import BackupPolicy
from supakeep.errors import ExportError
from tests.builders.backups import back_up, tables_in
from tests.builders.postgres_project import PostgresProject
from tests.builders.tables import a_selection
from tests.contract.test_postgres_source import LARGE
from tests.fakes.interfering import Interfering
from tests.fakes.object_store import InMemoryObjectStore

pytestmark = pytest.mark.integration

EVERYTHING = BackupPolicy.parse('[backup]\ntables = "*"')
# exported last: tables go in the opposite order of their names
THREE = (
    "create table z (id int primary key); insert into z values (1);"
    "create table m (id int primary key); insert into m values (1);"
    "create table a (id int primary key, n int); insert into a select n, n from generate_series(1, 500) n"
)


@pytest.mark.parametrize(
    "statements",
    [
        pytest.param("truncate a", id="truncated"),
        pytest.param("alter table a alter n type text", id="rewritten"),
        pytest.param(
            "create table b (like a including all); drop table a; alter table b rename to a",
            id="replaced by another",
        ),
    ],
)
def test_a_table_cannot_be_emptied_under_a_backup(
    project: PostgresProject, statements: str
) -> None:
    project.sql(THREE)

    def interfere() -> None:
        with psycopg.connect(project.url(), autocommit=True) as connection:
            connection.execute("set lock_timeout = '300ms'")
            with pytest.raises(errors.LockNotAvailable):
                connection.execute(statements.encode())

    store = InMemoryObjectStore()
    manifest = back_up(project.database, store, policy=EVERYTHING, progress=Interfering(interfere))

    assert manifest.status is BackupStatus.COMPLETE
    rows = tables_in(store, manifest)["public.a"]["rows"]
    assert [int(row["n"]) for row in rows] == list(range(1, 501))


def test_tables_that_the_policy_leaves_out_are_not_locked(project: PostgresProject) -> None:
    project.sql(THREE)
    policy = BackupPolicy.parse('[backup]\ntables = "*"\nexclude = ["a"]')

    progress = Interfering(lambda: project.sql("set lock_timeout = '5s'; truncate a"))
    manifest = back_up(project.database, InMemoryObjectStore(), policy=policy, progress=progress)

    assert [table.name for table in manifest.tables] == ["public.m", "public.z"]
    assert project.rows("select count(*) from a") == [(0,)]


@contextmanager
def locked(project: PostgresProject, *tables: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(project.url()) as connection:
        for table in tables:
            connection.execute(f"lock table {table} in access exclusive mode".encode())
        yield connection


def test_a_table_that_somebody_else_has_locked_fails_and_the_others_go_on(
    project: PostgresProject,
) -> None:
    project.sql(THREE)
    database = PostgresDatabase(project.url(), lock_wait_seconds=0.2)

    with locked(project, "m"):
        manifest = back_up(database, InMemoryObjectStore(), policy=EVERYTHING)

    assert manifest.status is BackupStatus.PARTIAL
    assert {table.name: table.rows for table in manifest.tables if not table.error} == {
        "public.a": 500,
        "public.z": 1,
    }
    [error] = [table.error for table in manifest.tables if table.error]
    assert error.message.startswith("Table public.m is locked by another session")
    assert "pg_stat_activity" in (error.hint or "")


@pytest.mark.timeout(60)
def test_the_wait_for_locks_is_bounded_in_all(project: PostgresProject) -> None:
    names = [f"t{n}" for n in range(4)]
    project.sql(";".join(f"create table {name} (id int primary key)" for name in [*names, "z"]))
    database = PostgresDatabase(project.url(), lock_wait_seconds=3)
    began = time.monotonic()

    with locked(project, *names):
        manifest = back_up(database, InMemoryObjectStore(), policy=EVERYTHING)

    # all at once, then one second for each; four times three would be twelve
    assert time.monotonic() - began < 10
    assert [table.name for table in manifest.tables if not table.error] == ["public.z"]


def test_a_table_that_was_emptied_while_the_backup_waited_is_as_it_is_then(
    project: PostgresProject,
) -> None:
    project.sql(THREE)

    with locked(project, "a") as other:
        other.execute("truncate a")
        other.execute("insert into a values (7, 7)")
        end = threading.Timer(0.5, other.commit)
        end.start()
        store = InMemoryObjectStore()
        manifest = back_up(project.database, store, policy=EVERYTHING)
        end.join()

    assert manifest.status is BackupStatus.COMPLETE
    assert [row["id"] for row in tables_in(store, manifest)["public.a"]["rows"]] == [7]


@pytest.mark.timeout(60)
def test_somebody_who_waits_for_a_table_does_not_stop_the_backup(project: PostgresProject) -> None:
    """A reader that came after them would wait for them, and they wait for the backup."""
    project.sql(LARGE["bigint"])
    with project.database.snapshot() as snapshot:
        table = snapshot.catalog().tables["public.t"]
        waiting = threading.Thread(target=project.sql, args=["truncate t"])
        waiting.start()
        blocked = "select count(*) from pg_locks where not granted and relation = 't'::regclass"
        with psycopg.connect(project.url(), autocommit=True) as watching:
            while watching.execute(blocked.encode()).fetchone() == (0,):
                time.sleep(0.02)
        rows = sum(portion.count for portion in snapshot.export(a_selection(table)))
    waiting.join()

    assert rows == 90_000
    assert project.rows("select count(*) from t") == [(0,)]


def test_a_table_that_came_after_the_locks_is_not_taken_for_held(project: PostgresProject) -> None:
    project.sql(THREE)

    def selects(schema: str, table: str) -> bool:
        return (schema, table) != ("public", "a")

    with project.database.snapshot(selects) as snapshot:
        table = snapshot.catalog().tables["public.a"]
        with pytest.raises(ExportError, match=r"public\.a was created just as the backup began"):
            list(snapshot.export(a_selection(table)))


def test_the_log_position_is_that_of_the_snapshot(project: PostgresProject) -> None:
    project.sql(THREE)
    project.superuser("checkpoint")
    before = project.rows("select pg_current_wal_flush_lsn()")[0][0]
    after = ""

    def interfere() -> None:
        nonlocal after
        after = project.rows("select pg_current_wal_insert_lsn()")[0][0]
        project.sql("insert into a select n, n from generate_series(1000, 60000) n")
        project.superuser("checkpoint")

    store = InMemoryObjectStore()
    manifest = back_up(project.database, store, policy=EVERYTHING, progress=Interfering(interfere))

    order = "select %s::pg_lsn <= %s::pg_lsn and %s::pg_lsn <= %s::pg_lsn"
    position = manifest.wal_position
    found = project.owner.execute(order.encode(), [before, position, position, after]).fetchone()
    assert found == (True,)
