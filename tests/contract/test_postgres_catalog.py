"""What a database's catalog tells of tables with awkward names, of views and of the role that asks."""

from __future__ import annotations

import pytest

from supakeep.databases.postgres.database import PostgresDatabase
from supakeep.domain.manifest import BackupStatus
from supakeep.domain.policy import BackupPolicy
from tests.builders.backups import back_up
from tests.builders.postgres_project import PostgresProject, all_counts
from tests.fakes.object_store import InMemoryObjectStore

pytestmark = pytest.mark.integration


def test_tables_that_share_a_name_are_backed_up_and_restored_apart(
    project: PostgresProject,
) -> None:
    project.sql(
        'create schema a; create schema "a.b";'
        'create table a."b.c" (id int primary key, n int);'
        'create table "a.b".c (id int primary key references a."b.c", t text);'
        'create table a."d.e" (id int primary key);'
        'insert into a."b.c" values (1, 10); insert into "a.b".c values (1, \'x\');'
        'insert into a."d.e" values (5)'
    )
    backup = project.back_up(schemas=("a", "a.b"))
    _, manifest = backup
    project.sql('truncate "a.b".c, a."b.c", a."d.e"')

    report = project.restore(backup)

    assert [table.name for table in manifest.tables] == ['"a"."b.c"', '"a.b"."c"', "a.d.e"]
    assert all_counts(report) == {
        '"a"."b.c"': (1, 0, 0, 0),
        '"a.b"."c"': (1, 0, 0, 0),
        "a.d.e": (1, 0, 0, 0),
    }
    assert project.rows('select p.n, c.t from a."b.c" p join "a.b".c c using (id)') == [(10, "x")]


def test_a_backup_made_before_a_table_shared_its_name_is_restored(project: PostgresProject) -> None:
    project.sql('create schema a; create table a."b.c" (id int primary key)')
    project.sql('insert into a."b.c" values (1)')
    backup = project.back_up(schemas=("a",))
    project.sql('truncate a."b.c"; create schema "a.b"; create table "a.b".c (id int primary key)')

    project.restore(backup)

    assert project.rows('select id from a."b.c"') == [(1,)]
    assert project.rows('select id from "a.b".c') == []


def test_a_view_and_a_missing_schema_are_named_in_a_partial_backup(
    project: PostgresProject,
) -> None:
    project.sql(
        "create table t (id int primary key); create view v as select * from t; create schema empty"
    )
    policy = BackupPolicy.parse(
        '[backup]\ntables = ["t", "v", "gone"]\nschemas = ["public", "empty", "shpo"]'
    )

    manifest = back_up(project.database, InMemoryObjectStore(), policy=policy)

    assert manifest.status is BackupStatus.PARTIAL
    assert {table.name: table.error.message for table in manifest.tables if table.error} == {
        "public.gone": "No table is named gone in the schemas public, empty, shpo",
        "public.v": "public.v is a view: its rows are those of other tables",
        "shpo.*": "Schema shpo does not exist, or has no tables",
    }
    assert manifest.left_out == {"public.v": "a view: its rows are those of other tables"}


def test_the_grant_is_for_the_role_that_logged_in(project: PostgresProject) -> None:
    project.sql("create table t (id int primary key); create table u (id int primary key)")
    role = f"{project.name}_reader"
    project.superuser(f"create role {role} login; grant select on u to {role}")
    policy = BackupPolicy.parse('[backup]\ntables = "*"')

    try:
        database = PostgresDatabase(project.url(role))
        manifest = back_up(database, InMemoryObjectStore(), policy=policy)
    finally:
        project.superuser(f"drop owned by {role}; drop role {role}")

    [hint] = [table.error.hint for table in manifest.tables if table.error]
    assert f'GRANT SELECT ON "public"."t" TO {role};' in (hint or "")
