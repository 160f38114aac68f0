"""Backup and restore of a table whose index calls functions by names that only the owner's search path finds."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from supakeep.domain.plan import Selection
from supakeep.domain.policy import BackupPolicy, TablePolicy
from tests.builders.backups import back_up, restore
from tests.contract.workbench import PostgresWorkbench, SupabaseWorkbench
from tests.fakes.object_store import InMemoryObjectStore

Server = SupabaseWorkbench | PostgresWorkbench

pytestmark = pytest.mark.integration


@pytest.fixture(params=["supabase", "postgres"])
def server(request: pytest.FixtureRequest) -> Server:
    bench: Server = request.getfixturevalue(request.param)
    return bench


@pytest.fixture
def indexed(server: Server) -> Iterator[Server]:
    """A search index as in many projects: an immutable wrapper around a function of `public`."""
    name = server.schema
    server.execute(
        f"create function public.plain_{name}(text) returns text language sql immutable"
        " as $$ select lower($1) $$;"
        f"create function public.search_{name}(text) returns text language sql immutable"
        f" as $$ select public.plain_{name}($1) $$;"
        "create table {schema}.t (id int primary key, note text);"
        "insert into {schema}.t select n, 'Note ' || n from generate_series(1, 10) n;"
        f"create index on {{schema}}.t (public.search_{name}(note));"
        # PostgreSQL 17 refuses such an index; it is there where an older server made it
        f"create or replace function public.search_{name}(text) returns text language sql immutable"
        f" as $$ select plain_{name}($1) $$;"
    )
    server.created("t")
    yield server
    server.execute(f"drop function public.search_{name} cascade; drop function public.plain_{name}")


def test_a_table_is_exported_whatever_its_index_calls(indexed: Server) -> None:
    table = indexed.created("t")

    portions = list(indexed.database.export(Selection(table, TablePolicy())))

    assert sum(rows.count for rows in portions) == 10


@pytest.mark.parametrize("dry_run", [True, False])
def test_a_table_is_restored_whatever_its_index_calls(indexed: Server, *, dry_run: bool) -> None:
    store = InMemoryObjectStore(piece_bytes=65_536)
    policy = BackupPolicy.parse(f'[[table]]\nname = "{indexed.schema}.t"')
    manifest = back_up(indexed.adapter, store, policy=policy)
    indexed.execute("delete from {schema}.t where id > 7")

    report = restore(indexed.adapter, store, manifest, dry_run=dry_run)

    [table] = report.tables
    assert (table.inserted, table.unchanged) == (3, 7)
    assert len(indexed.rows(indexed.created("t"))) == (7 if dry_run else 10)
