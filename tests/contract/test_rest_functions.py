"""The database functions as the migrations leave them, over what an earlier version had."""

from __future__ import annotations

from collections.abc import Iterator

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


@pytest.fixture
def open_policy(superuser: psycopg.Connection, request: pytest.FixtureRequest) -> Iterator[str]:
    """A policy on storage.objects, as a project may have one for its own files."""
    superuser.execute(f"create policy mine on storage.objects for select {request.param}".encode())
    yield "mine"
    superuser.execute("drop policy mine on storage.objects")


@pytest.mark.parametrize(
    "open_policy",
    [
        "using (true)",
        "to authenticated using (true)",
        "to anon using (name like 'daily/%')",
        "using (current_setting('request.jwt.claims')::json ->> 'role' = 'authenticated')",
    ],
    indirect=True,
)
def test_a_policy_that_opens_the_backups_is_refused_and_named(
    servers: Servers, owner: psycopg.Connection, open_policy: str
) -> None:
    with pytest.raises(psycopg.errors.RaiseException, match="may read every backup") as refused:
        owner.execute(project_migration().encode())

    assert f"({open_policy})" in str(refused.value)


@pytest.mark.parametrize(
    "open_policy",
    ["using (bucket_id = 'avatars')", "to authenticated using (owner = gen_random_uuid())"],
    indirect=True,
)
def test_a_policy_for_other_objects_is_none_of_its_business(
    servers: Servers, owner: psycopg.Connection, open_policy: str
) -> None:
    owner.execute(project_migration().encode())

    objects = owner.execute("select name from storage.objects where name like '%nobody'")
    assert objects.fetchall() == []
    assert owner.execute("select current_user").fetchone() == ("postgres",)
