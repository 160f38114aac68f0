"""Schemas and rows that nobody thought of: whatever Postgres holds comes back through the Data API."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.builders.examples import examples
from tests.builders.generated_schemas import Generated, contents, create, schemas
from tests.builders.tables import a_selection
from tests.contract.workbench import SupabaseWorkbench

pytestmark = pytest.mark.integration


@pytest.fixture
def bench(supabase: SupabaseWorkbench) -> Iterator[SupabaseWorkbench]:
    supabase.execute("create type {schema}.pair as (a int, b text)")
    supabase.execute("set search_path = {schema}, public")
    yield supabase
    supabase.execute("reset search_path")


@given(table=schemas().filter(lambda table: table.keys > 0), odd=st.booleans())
# shrinking runs a whole export and restore for every step
@settings(
    max_examples=examples(15),
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_a_generated_table_comes_back_as_it_was(
    bench: SupabaseWorkbench, table: Generated, *, odd: bool
) -> None:
    try:
        create(bench.owner, table, bench.schema)
    except psycopg.errors.DuplicateColumn:
        return  # names that are alike once Postgres has cut them to 63 bytes
    if odd:
        _break_lines_in_json(bench, table)
    live = bench.created(table.name)
    before = contents(bench.owner, [table], bench.schema)

    rows = [
        line for p in bench.database.export(a_selection(live)) for line in p.lines.split(b",\n")
    ]
    same = bench.database.upsert(live, live.writable_columns, rows, dry_run=False)
    bench.execute("truncate {schema}.{table}", table=table.name)
    bench.database.upsert(live, live.writable_columns, rows, dry_run=False)

    try:
        assert same.unchanged == len(rows) == len(before[0])
        assert contents(bench.owner, [table], bench.schema) == before
    finally:
        bench.execute("drop table {schema}.{table}", table=table.name)


def _break_lines_in_json(bench: SupabaseWorkbench, table: Generated) -> None:
    """Surrounds every value of type json with what only its text keeps."""
    for name, type_ in zip(table.names, table.types, strict=True):
        if type_ == "json":
            bench.execute(
                "update {schema}.{table} set {name} ="
                " (E'{{\n\"a\\\\u0000b\" :\t' || {name}::text || E'\r\n}}')::json",
                table=table.name,
                name=name,
            )
