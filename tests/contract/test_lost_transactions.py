"""A restore whose connection is lost outside of any step of it."""

from __future__ import annotations

import time

import pytest

from supakeep.databases.postgres.connection import begin_reading, connect
from supakeep.databases.postgres.restore.target import _commit
from supakeep.errors import DatabaseError, DatabaseUnavailableError
from tests.builders.postgres_project import PostgresProject

pytestmark = pytest.mark.integration

TERMINATED = (
    "select pg_terminate_backend(pid) from pg_stat_activity "
    "where application_name = 'supakeep' and datname = current_database()"
)


def test_a_connection_that_is_lost_at_the_commit_is_said_to_leave_both_open(
    project: PostgresProject,
) -> None:
    with connect(project.url()) as connection:
        connection.execute("begin")
        project.rows(TERMINATED)

        with pytest.raises(DatabaseUnavailableError, match="broke at the commit: all") as lost:
            _commit(connection)

    assert "Restore again" in str(lost.value.hint)


def test_a_lost_connection_is_the_databases_error_wherever_it_is_noticed(
    project: PostgresProject,
) -> None:
    def restore() -> None:
        with project.database.transaction(dry_run=False) as transaction:
            project.rows(TERMINATED)
            transaction._session.set_savepoint()

    with pytest.raises(DatabaseUnavailableError, match="did not answer") as lost:
        restore()

    assert "SUPABASE_DB_URL" in str(lost.value.hint)


def test_a_snapshot_whose_connection_is_gone_is_an_outage(project: PostgresProject) -> None:
    with (
        connect(project.url()) as connection,
        pytest.raises(DatabaseUnavailableError, match="the one that holds it was lost") as lost,
    ):
        begin_reading(connection, "00000005-00000077-1")

    assert "Run this again" in str(lost.value.hint)


def test_a_connection_that_cannot_be_set_up_is_closed(
    project: PostgresProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("supakeep.databases.postgres.connection._SESSION", "select 1 / 0")

    with pytest.raises(DatabaseError) as refused:
        connect(project.url())

    assert refused.value.__traceback__ is not None  # which keeps what it saw
    ours = TERMINATED.replace("pg_terminate_backend(pid)", "pid")
    give_up_at = time.monotonic() + 5
    while project.rows(ours):
        assert time.monotonic() < give_up_at
