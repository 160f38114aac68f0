"""The catalog of a real project, the keys that open it, and the functions it needs."""

from __future__ import annotations

import httpx
import psycopg
import pytest

from supakeep.databases.data_api.database import SupabaseRestDatabase
from supakeep.errors import DatabasePermissionError, FunctionsMissingError
from tests.builders.rest_calls import FOUR_ATTEMPTS, RestCalls
from tests.builders.tables import a_selection
from tests.contract.conftest import Servers
from tests.contract.exporting import exported
from tests.contract.workbench import SupabaseWorkbench

pytestmark = pytest.mark.integration


def test_a_secret_key_sees_the_rows_that_row_level_security_hides(
    supabase: SupabaseWorkbench,
) -> None:
    table = supabase.made("create table {schema}.t (id int primary key)")
    supabase.execute("alter table {schema}.t enable row level security")

    assert not supabase.database.catalog().tables[table.qualified_name].rows_hidden


def test_views_and_tables_of_the_system_are_no_tables(supabase: SupabaseWorkbench) -> None:
    supabase.made(
        "create table {schema}.t (id int primary key); create view {schema}.v as select * from {schema}.t",
    )

    tables = supabase.database.catalog().tables

    assert f"{supabase.schema}.v" not in tables
    assert not [name for name in tables if name.startswith(("pg_", "information_schema."))]


def test_what_only_looks_like_a_table_is_named_with_the_reason(
    supabase: SupabaseWorkbench,
) -> None:
    supabase.made(
        "create table {schema}.t (id int primary key); create view {schema}.v as select * from {schema}.t;"
        "create materialized view {schema}.m as select * from {schema}.t",
    )

    with supabase.adapter.snapshot() as snapshot:
        left_out = snapshot.left_out([supabase.schema])
        others = snapshot.left_out(["shpo"])
        schemas = snapshot.catalog().schemas

    assert left_out == {
        f"{supabase.schema}.m": "a materialized view: refresh it after a restore",
        f"{supabase.schema}.v": "a view: its rows are those of other tables",
    }
    assert others == {}
    assert supabase.schema in schemas
    assert "shpo" not in schemas


def test_a_column_that_was_dropped_is_gone(supabase: SupabaseWorkbench) -> None:
    table = supabase.made(
        "create table {schema}.t (id int primary key, gone text, stays text);"
        "insert into {schema}.t values (1, 'x', 'y'); alter table {schema}.t drop column gone",
    )

    assert table.column_names == ("id", "stays")
    assert exported(supabase, a_selection(table)) == [{"id": 1, "stays": "y"}]


@pytest.mark.parametrize("which", ["publishable", "wrong", "empty"])
def test_any_key_but_the_secret_one_is_refused_with_what_to_use(
    servers: Servers, http: httpx.Client, which: str
) -> None:
    key = {"publishable": servers.lite.publishable_key, "wrong": "sb_secret_no", "empty": "x"}[
        which
    ]
    project = SupabaseRestDatabase(servers.lite.url, key, client=http, retries=FOUR_ATTEMPTS)
    database = RestCalls(project)

    with pytest.raises(DatabasePermissionError, match=r"^Permission denied") as refused:
        database.catalog()

    assert refused.value.hint is not None
    assert "SUPABASE_SERVICE_ROLE_KEY" in refused.value.hint


def test_a_project_without_the_functions_is_an_error_that_names_the_migration(
    rest: RestCalls, owner: psycopg.Connection
) -> None:
    owner.execute("alter function public.supakeep_catalog() rename to hidden_away")
    try:
        with pytest.raises(FunctionsMissingError) as missing:
            rest.catalog()
    finally:
        owner.execute("alter function public.hidden_away() rename to supakeep_catalog")

    assert missing.value.hint is not None
    assert "20261125120000_supakeep.sql" in missing.value.hint
    assert rest.catalog().tables
