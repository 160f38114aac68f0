"""The database functions as the migrations leave them, over what an earlier version had."""

from __future__ import annotations

import psycopg
import pytest

from supakeep.databases.sql.migration import ENDPOINTS, HELPERS, project_migration
from tests.contract.conftest import Servers

pytestmark = pytest.mark.integration

FUNCTIONS = (
    "select proname from pg_proc p join pg_namespace n on n.oid = pronamespace"
    " where nspname = %s and proname ~ %s"
)


def functions(owner: psycopg.Connection, schema: str, pattern: str) -> set[str]:
    return {name for (name,) in owner.execute(FUNCTIONS, [schema, pattern])}


def test_public_has_only_what_the_data_api_calls(
    servers: Servers, owner: psycopg.Connection
) -> None:
    assert functions(owner, "public", "^supakeep") == {f"supakeep_{name}" for name in ENDPOINTS}
    assert functions(owner, "supakeep", "") == set(HELPERS)


@pytest.mark.parametrize("role", ["anon", "authenticated"])
def test_only_the_secret_key_may_call_them(
    servers: Servers, owner: psycopg.Connection, role: str
) -> None:
    allowed = owner.execute(
        "select oid::regprocedure::text from pg_proc where proname like 'supakeep%%'"
        " and has_function_privilege(%s, oid, 'execute')",
        [role],
    )

    assert allowed.fetchall() == []
    assert owner.execute(
        "select has_schema_privilege(%s, 'supakeep', 'usage')", [role]
    ).fetchone() == (False,)


def test_the_migration_may_run_again(servers: Servers, owner: psycopg.Connection) -> None:
    owner.execute(project_migration().encode())

    assert functions(owner, "supakeep", "") == set(HELPERS)
