"""Drills into a database that they make on a server that is there already."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from supakeep.archive.reader import BackupReader
from supakeep.databases.postgres.scratch_server import PostgresScratchServer
from supakeep.domain.assertions import parse_assertions
from supakeep.domain.drill import Rung
from supakeep.system import NoDeadline, SystemClock
from supakeep.usecases.drill_backup import DrillBackup
from tests.builders.postgres_project import PostgresProject
from tests.fakes.runs import InMemoryProgress

pytestmark = [pytest.mark.integration, pytest.mark.enable_socket]

DATABASES = "select datname from pg_database where datname like 'supakeep\\_drill\\_%'"


@pytest.fixture
def server(project: PostgresProject) -> Iterator[PostgresScratchServer]:
    """The server as a role without any right but to make databases and roles, as on Supabase."""
    project.superuser("create role drills login createdb createrole")
    yield PostgresScratchServer(project.url("drills"), "a spare server")
    for name in drill_databases(project):
        project.superuser(f"drop database {name} with (force)")
    project.superuser("drop role if exists supakeep_assertions; drop role drills")


def drill_databases(project: PostgresProject) -> list[str]:
    return sorted(name for (name,) in rows(project, DATABASES))


def rows(project: PostgresProject, query: str) -> list[tuple[str, ...]]:
    with psycopg.connect(project.url("supabase_admin")) as connection:
        return connection.execute(query.encode()).fetchall()


def test_a_backup_is_proven_there_and_nothing_is_left(
    project: PostgresProject, server: PostgresScratchServer
) -> None:
    project.sql("create table t (id int primary key, v numeric); insert into t values (1, 1.50)")
    store, manifest = project.back_up()
    asked = parse_assertions("-- name: one\nselect count(*) = 1 from t", "drills.sql")
    drill = DrillBackup(server, asked, SystemClock(), NoDeadline(), InMemoryProgress())

    report = drill(BackupReader(manifest, [store]))

    assert [problem.message for problem in report.problems] == []
    assert report.reached is Rung.ASSERTED
    assert report.into == "a spare server"
    assert drill_databases(project) == []
    assert rows(project, "select from pg_roles where rolname = 'supakeep_assertions'") == []


def test_a_drill_that_breaks_off_drops_its_database(
    project: PostgresProject, server: PostgresScratchServer
) -> None:
    def broken_off() -> None:
        with server.open():
            assert len(drill_databases(project)) == 1
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        broken_off()

    assert drill_databases(project) == []


def test_what_a_killed_drill_left_is_dropped_and_nothing_else(
    project: PostgresProject, server: PostgresScratchServer
) -> None:
    left, not_named, not_ours = "0123456789abcdef", "of_a_person", "fedcba9876543210"
    with psycopg.connect(project.url("drills"), autocommit=True) as drills:
        drills.execute(f"create database supakeep_drill_{left}".encode())
        drills.execute(f"create database supakeep_drill_{not_named}".encode())
    project.superuser(f"create database supakeep_drill_{not_ours}")

    with server.open(), server.open():
        # two drills at once leave each other alone
        assert len(drill_databases(project)) == 4

    kept = [f"supakeep_drill_{name}" for name in (not_named, not_ours)]
    assert drill_databases(project) == sorted(kept)
