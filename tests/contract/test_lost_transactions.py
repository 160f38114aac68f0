"""A restore whose connection is lost outside of any step of it."""

from __future__ import annotations

import pytest

from supakeep.databases.postgres.connection import connect
from supakeep.databases.postgres.restore.target import _commit
from supakeep.errors import DatabaseUnavailableError
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
