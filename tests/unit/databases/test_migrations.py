"""The migration in the making is what the package's SQL says."""

from __future__ import annotations

import re

import pytest

from devstack import PROJECT
from devstack.supabase import migrations
from devstack.supabase.released_migrations import released
from supakeep.databases.sql import sql_text
from supakeep.databases.sql.migration import ENDPOINTS, HELPERS


def test_every_other_migration_has_a_version_of_fourteen_digits() -> None:
    others = [file.name for file in migrations.FOLDER.iterdir() if file.name not in released()]

    assert others == [migrations.GENERATED.name]
    assert re.fullmatch(r"\d{14}_[a-z_]+\.sql", others[0])


def test_the_migration_is_what_the_packages_sql_makes() -> None:
    assert migrations.is_up_to_date(), "run python -m devstack.supabase.migrations --write"


def test_every_function_is_in_the_migration() -> None:
    folder = PROJECT / "layers/shared/src/supakeep/databases/sql/functions"
    files = {file.stem for file in folder.glob("*.sql")}

    assert files == {*ENDPOINTS, *HELPERS}


@pytest.mark.parametrize("name", HELPERS)
def test_what_only_helps_is_out_of_the_data_apis_sight(name: str) -> None:
    assert f"create or replace function supakeep.{name}(" in sql_text(f"functions/{name}.sql")


@pytest.mark.parametrize("name", ENDPOINTS)
def test_what_the_data_api_calls_has_a_time_limit_below_the_gateways(name: str) -> None:
    text = sql_text(f"functions/{name}.sql")

    [seconds] = re.findall(r"^set statement_timeout = '(\d+)s'$", text, re.MULTILINE)
    assert 0 < int(seconds) < 60
