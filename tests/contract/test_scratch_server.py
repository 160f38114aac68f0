"""What a drill asks of the server that it restores into: the one in memory keeps to it as the real ones do."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from supakeep.databases.embedded.server import EmbeddedPostgres
from supakeep.databases.postgres.scratch_schema import PostgresScratchSchemas
from supakeep.databases.postgres.scratch_server import PostgresScratchServer
from supakeep.domain.assertions import Assertion
from supakeep.domain.row_changes import RestoreMode
from supakeep.domain.schema import Table
from supakeep.ports import ScratchDatabase, ScratchServer
from tests.builders.postgres_project import PostgresProject
from tests.builders.tables import a_selection, a_table
from tests.fakes.scratch import InMemoryScratchServer
from tests.faults.calls import Journal
from tests.faults.scratch import WatchedScratchServer

pytestmark = [pytest.mark.integration, pytest.mark.enable_socket]

NOTES = a_table("notes", "note text")
ROWS = [b'{"id":1,"note":"a"}', b'{"id":2,"note":"b"}']
SERVERS = ("in_memory", "watched", "embedded", "database", "schema")


@pytest.fixture(params=SERVERS)
def server(request: pytest.FixtureRequest, project: PostgresProject) -> Iterator[ScratchServer]:
    if request.param == "in_memory":
        yield InMemoryScratchServer()
    elif request.param == "watched":
        yield WatchedScratchServer(Journal())
    elif request.param == "embedded":
        yield EmbeddedPostgres()
    elif request.param == "schema":
        yield PostgresScratchSchemas(project.url(), "the live database", 100_000_000)
    else:
        project.superuser("create role drills login createdb createrole")
        yield PostgresScratchServer(project.url("drills"), "a spare server")
        project.superuser("drop role if exists supakeep_assertions; drop role drills")


def created(scratch: ScratchDatabase) -> Table:
    table = scratch.located(NOTES)
    assert scratch.create_tables([table], {}) == []
    return table


def write(scratch: ScratchDatabase, table: Table) -> None:
    with scratch.database.transaction(dry_run=False) as transaction:
        writer = transaction.writer(table, table, RestoreMode.MERGE)
        writer.write(ROWS)
        while writer.finish():
            writer.write(ROWS)


def rows_in(scratch: ScratchDatabase, table: Table) -> list[bytes]:
    with scratch.database.snapshot() as snapshot:
        found = snapshot.catalog().find(table.schema_name, table.name)
        assert found is not None
        rows = snapshot.export(a_selection(found))
        return [portion.lines for portion in rows]


def test_rows_that_are_written_are_there(server: ScratchServer) -> None:
    with server.open() as scratch:
        table = created(scratch)
        assert rows_in(scratch, table) == []

        write(scratch, table)

        content = b"".join(rows_in(scratch, table))
        assert content.count(b'"note"') == len(ROWS)
        assert scratch.server_version[0].isdigit()


def test_each_database_is_empty_and_gone_afterwards(server: ScratchServer) -> None:
    with server.open() as scratch:
        write(scratch, created(scratch))

    with server.open() as scratch:
        assert rows_in(scratch, created(scratch)) == []


def test_one_that_is_left_by_an_error_is_gone_too(server: ScratchServer) -> None:
    def broken_off() -> None:
        with server.open() as scratch:
            created(scratch)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        broken_off()

    with server.open() as scratch:
        created(scratch)


def test_an_assertion_is_answered_and_never_raised(server: ScratchServer) -> None:
    holds = Assertion(name="some", query="select true")

    with server.open() as scratch:
        created(scratch)
        assert scratch.objection(holds) is None
        assert scratch.ask(holds).holds


def test_its_room_is_a_number_of_bytes_or_not_known(server: ScratchServer) -> None:
    room = server.room()

    assert room is None or room > 0
    assert server.place
