"""Three schemas of the field go into an empty database and are the same there, by pg_dump of both ends."""

from __future__ import annotations

import pytest

from supakeep.archive.reader import BackupReader
from supakeep.databases.postgres.rebuild.project import PostgresNewProject
from supakeep.domain.policy import BackupPolicy
from supakeep.domain.rebuild import RebuildRequest
from supakeep.usecases.rebuild_project import RebuildProject
from tests.builders.backups import back_up
from tests.builders.dumps import dump_of
from tests.builders.postgres_project import PostgresProject
from tests.builders.public_schemas import PUBLIC_SCHEMAS
from tests.builders.supabase_auth import AUTH_ROWS, AUTH_SCHEMA, MANAGED
from tests.fakes.object_store import InMemoryObjectStore
from tests.fakes.runs import InMemoryProgress
from tests.fakes.time import NeverExpires

pytestmark = pytest.mark.integration

POLICY = BackupPolicy.parse('[backup]\ntables = "*"\nschemas = ["public", "private"]')
PRIVATE = "create schema if not exists private; create table if not exists private.settings (id int primary key);"
ON_MANAGED = """
select tgrelid::regclass::text, pg_get_triggerdef(oid), tgenabled::text from pg_trigger
 where tgrelid = 'auth.users'::regclass and not tgisinternal
union all
select tablename, policyname || permissive || cmd || roles::text || coalesce(qual, '') || coalesce(with_check, ''), ''
  from pg_policies where schemaname = 'storage'
 order by 1, 2
"""


@pytest.mark.parametrize("name", PUBLIC_SCHEMAS)
def test_a_schema_of_the_field_comes_back_whole(project: PostgresProject, name: str) -> None:
    schema = PUBLIC_SCHEMAS[name]
    project.superuser(schema.extensions)
    project.sql(AUTH_SCHEMA + AUTH_ROWS + MANAGED + PRIVATE + schema.sql)
    store = InMemoryObjectStore(piece_bytes=1024 * 1024)
    manifest = back_up(project.database, store, policy=POLICY)
    assert manifest.is_good, [t.error for t in manifest.tables if t.error]

    with PostgresProject(project.server) as new:
        new.superuser(schema.extensions)
        new.sql(AUTH_SCHEMA + MANAGED)
        report = RebuildProject(
            PostgresNewProject(new.url(), "new.example.com/postgres"),
            BackupReader(manifest, [store]),
            NeverExpires(),
            InMemoryProgress(),
        )(RebuildRequest())

        assert report.not_rebuilt == ()
        assert dump_of(new) == dump_of(project)
        assert new.rows(ON_MANAGED) == project.rows(ON_MANAGED)
        for table, rows in schema.counted.items():
            assert new.rows(f"select count(*) from {table}") == [(rows,)]


def test_what_is_the_projects_own_on_tables_that_supabase_manages_works_again(
    project: PostgresProject,
) -> None:
    """Who signs up in the new project gets a profile; nobody's upload was let through by itself."""
    project.sql(
        AUTH_SCHEMA + AUTH_ROWS + MANAGED + PRIVATE + PUBLIC_SCHEMAS["a Supabase starter"].sql
    )
    store = InMemoryObjectStore()
    manifest = back_up(project.database, store, policy=POLICY)

    with PostgresProject(project.server) as new:
        new.sql(AUTH_SCHEMA + MANAGED)
        place = PostgresNewProject(new.url(), "new.example.com/postgres")
        rebuild = RebuildProject(
            place, BackupReader(manifest, [store]), NeverExpires(), InMemoryProgress()
        )
        rebuild(RebuildRequest())
        new.sql(
            "insert into auth.users (id, email, raw_user_meta_data) "
            "values ('33333333-3333-4333-8333-333333333333', 'c@example.com', '{\"name\": \"Cleo\"}')"
        )

        assert new.rows("select username from profiles order by 1") == [
            ("Anna",),
            ("Bén",),
            ("Cleo",),
        ]
        assert manifest.coverage is not None
        gaps = {gap.kind for gap in manifest.coverage.gaps}
        assert gaps.isdisjoint({"trigger", "policy"})
