"""Tables that are rewritten or emptied while the `rest` engine waits for them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from psycopg import sql

from tests.builders.tables import a_selection
from tests.contract.conftest import Servers
from tests.contract.exporting import exported
from tests.contract.workbench import SupabaseWorkbench

pytestmark = pytest.mark.integration

PLAIN = "create table {schema}.t (id int primary key, at timestamptz, note text);"
PARTITIONED = (
    "create table {schema}.t (id int primary key, at timestamptz, note text) partition by hash (id);"
    "create table {schema}.t0 partition of {schema}.t for values with (modulus 2, remainder 0);"
    "create table {schema}.t1 partition of {schema}.t for values with (modulus 2, remainder 1);"
)
ROWS = (
    "insert into {schema}.t select n, now() - n * '1 minute'::interval, 'note ' || n"
    " from generate_series(1, 3000) n"
)
REWRITES = {
    "rewritten": "alter table {schema}.t alter note type varchar(50)",
    "loaded anew": "truncate {schema}.t; " + ROWS,
}
WINDOWS: dict[str, dict[str, Any]] = {
    "whole": {},
    "last rows": {"last_rows": 2000, "order_by": "at"},
    "last days": {"last_days": 40_000, "time_column": "at"},
}


@contextmanager
def uncommitted(
    servers: Servers, bench: SupabaseWorkbench, statements: str
) -> Iterator[Callable[[], None]]:
    """Runs statements in a transaction of their own; commits it once somebody waits for the table."""
    schema = sql.Identifier(bench.schema)
    with psycopg.connect(servers.postgres.url()) as other:
        for statement in statements.split(";"):
            other.execute(sql.SQL(statement).format(schema=schema))  # type: ignore[arg-type]

        def commit() -> None:
            _wait_for_somebody_behind(bench.owner, other.info.backend_pid)
            other.commit()

        yield commit


def _wait_for_somebody_behind(owner: psycopg.Connection, pid: int) -> None:
    waiting = "select from pg_stat_activity where %s = any (pg_blocking_pids(pid))"
    give_up_at = time.monotonic() + 8
    while not owner.execute(waiting, [pid]).rowcount:
        assert time.monotonic() < give_up_at, "nobody waits for the table"
        time.sleep(0.02)


@pytest.mark.parametrize("made", [PLAIN, PARTITIONED], ids=["plain", "partitioned"])
@pytest.mark.parametrize("rewrite", REWRITES)
@pytest.mark.parametrize("window", WINDOWS)
def test_a_table_that_is_rewritten_while_it_is_waited_for_is_read_as_it_is_then(
    servers: Servers, supabase: SupabaseWorkbench, window: str, rewrite: str, made: str
) -> None:
    """To a snapshot from before, it looks empty."""
    table = supabase.made(made + ROWS)
    selection = a_selection(table, **WINDOWS[window])

    with (
        uncommitted(servers, supabase, REWRITES[rewrite]) as commit,
        ThreadPoolExecutor(1) as backup,
    ):
        reading = backup.submit(exported, supabase, selection)
        commit()
        found = reading.result(timeout=60)

    assert len(found) == (2000 if window == "last rows" else 3000)


def test_a_table_that_is_rewritten_while_it_is_waited_for_is_counted_as_it_is_then(
    servers: Servers, supabase: SupabaseWorkbench
) -> None:
    table = supabase.made(PLAIN + ROWS)

    with (
        uncommitted(servers, supabase, REWRITES["rewritten"]) as commit,
        ThreadPoolExecutor(1) as backup,
    ):
        counting = backup.submit(supabase.database.count, a_selection(table))
        commit()
        counted = counting.result(timeout=60)

    assert counted == 3000
