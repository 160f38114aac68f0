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

from supakeep.errors import ExportError
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
    "rewritten": "alter table {schema}.t alter note type text using note || ''",
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
            other.execute(sql.SQL(statement).format(schema=schema))

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


MANY_ROWS = ROWS.replace("3000", "12000")
EMPTIED = {
    "truncated": "truncate {schema}.t",
    "truncated twice": "truncate {schema}.t; insert into {schema}.t values (1); truncate {schema}.t",
    "loaded anew": "truncate {schema}.t; " + MANY_ROWS,
    "loaded anew with other keys": "truncate {schema}.t; "
    "insert into {schema}.t select 20000 + n, now() from generate_series(1, 12000) n",
}
LARGE_WINDOWS = WINDOWS | {"last rows": {"last_rows": 11_000, "order_by": "at"}}
GONE = r"was emptied or rewritten while it was backed up"


@pytest.mark.parametrize("made", [PLAIN, PARTITIONED], ids=["plain", "partitioned"])
@pytest.mark.parametrize("emptied", EMPTIED)
@pytest.mark.parametrize("window", LARGE_WINDOWS)
def test_a_table_that_is_emptied_between_two_pages_fails(
    supabase: SupabaseWorkbench, window: str, emptied: str, made: str
) -> None:
    """The rows that no page had yet were never seen; the backup counted as complete."""
    table = supabase.made(made + MANY_ROWS)

    portions = supabase.database.export(a_selection(table, **LARGE_WINDOWS[window]))
    next(portions)
    supabase.execute(EMPTIED[emptied])

    with pytest.raises(ExportError, match=GONE):
        list(portions)


PARTITIONS = {
    "truncated": "truncate {schema}.t1",
    "detached": "alter table {schema}.t detach partition {schema}.t1",
    "dropped": "drop table {schema}.t1",
}


@pytest.mark.parametrize("change", PARTITIONS)
def test_a_table_that_loses_a_partition_between_two_pages_fails(
    supabase: SupabaseWorkbench, change: str
) -> None:
    table = supabase.made(PARTITIONED + MANY_ROWS)

    portions = supabase.database.export(a_selection(table))
    next(portions)
    supabase.execute(PARTITIONS[change])

    with pytest.raises(ExportError, match=GONE):
        list(portions)


def test_a_table_that_gets_a_partition_between_two_pages_does_not_fail(
    supabase: SupabaseWorkbench,
) -> None:
    table = supabase.made(
        "create table {schema}.t (id int primary key, at timestamptz, note text) partition by range (id);"
        "create table {schema}.t0 partition of {schema}.t for values from (0) to (50000);"
        + MANY_ROWS
    )

    portions = supabase.database.export(a_selection(table))
    first = next(portions)
    supabase.execute(
        "create table {schema}.t1 partition of {schema}.t for values from (50000) to (60000)"
    )

    assert first.count + sum(rows.count for rows in portions) == 12_000


CHANGED = r"The columns of .* changed while it was backed up"
COLUMNS = {
    "dropped": "alter table {schema}.t drop column note",
    "renamed": "alter table {schema}.t rename note to remark",
    "added": "alter table {schema}.t add remark text",
    "of another type": "alter table {schema}.t alter id type bigint",
}


@pytest.mark.parametrize("change", COLUMNS)
def test_a_table_whose_columns_change_between_two_pages_fails(
    supabase: SupabaseWorkbench, change: str
) -> None:
    """Its rows would be of two kinds; a restore would take what some of them lack for nulls."""
    table = supabase.made(PLAIN + MANY_ROWS)

    portions = supabase.database.export(a_selection(table))
    next(portions)
    supabase.execute(COLUMNS[change])

    with pytest.raises(ExportError, match=CHANGED):
        list(portions)


@pytest.mark.parametrize("change", COLUMNS)
def test_a_table_whose_columns_change_while_it_is_waited_for_fails(
    servers: Servers, supabase: SupabaseWorkbench, change: str
) -> None:
    """On its only page, and without a rewrite: the snapshot still has the columns from before."""
    table = supabase.made(PLAIN + "insert into {schema}.t values (1, now(), 'note')")

    with uncommitted(servers, supabase, COLUMNS[change]) as commit, ThreadPoolExecutor(1) as backup:
        reading = backup.submit(exported, supabase, a_selection(table))
        commit()
        with pytest.raises(ExportError, match=CHANGED):
            reading.result(timeout=60)
