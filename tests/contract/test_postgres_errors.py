"""What Postgres refuses for one table is that table's failure: by SQLSTATE, and by the table's name."""

from __future__ import annotations

import pytest

from supakeep.domain.manifest import BackupStatus
from supakeep.domain.policy import BackupPolicy
from tests.builders.backups import back_up, tables_in
from tests.builders.postgres_project import PostgresProject
from tests.fakes.object_store import InMemoryObjectStore

pytestmark = pytest.mark.integration

EVERYTHING = BackupPolicy.parse('[backup]\ntables = "*"')


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("54000", id="a row that is too large"),
        pytest.param("53200", id="out of memory"),
        pytest.param("55000", id="not in the state that is asked for"),
        pytest.param("57014", id="cancelled"),
        pytest.param("40001", id="a serialization failure"),
        pytest.param("22012", id="a value"),
        pytest.param("XX001", id="a damaged page"),
    ],
)
def test_an_error_of_one_table_fails_that_table_only(project: PostgresProject, code: str) -> None:
    project.sql(
        "create type pair as (a int, b int);"
        "create table m (id int primary key, value pair); insert into m values (1, (1, 2));"
        "create table a (id int primary key); insert into a values (1);"
        "create table z (id int primary key); insert into z values (1);"
        "create function refuse(pair) returns text language plpgsql as "
        f"$$ begin raise exception 'refused just so' using errcode = '{code}'; end $$;"
        "create cast (pair as text) with function refuse(pair)"
    )
    store = InMemoryObjectStore()

    manifest = back_up(project.database, store, policy=EVERYTHING)

    assert manifest.status is BackupStatus.PARTIAL
    found = {table.name: table for table in manifest.tables}
    assert {name: table.rows for name, table in found.items() if not table.error} == {
        "public.a": 1,
        "public.z": 1,
    }
    error = found["public.m"].error
    assert error
    assert error.message.startswith(f"public.m: the database's own code refused, SQLSTATE {code}: ")
    assert error.message.endswith("PL/pgSQL function public.refuse(public.pair) line 1 at RAISE")
    assert "pooler" not in (error.hint or "")
    assert tables_in(store, manifest)["public.m"]["incomplete"] == error.message
