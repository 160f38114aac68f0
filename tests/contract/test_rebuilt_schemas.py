"""Three schemas of the field go into an empty database and are the same there, by pg_dump of both ends."""

from __future__ import annotations

from typing import Any

import pytest

from supakeep.domain.manifest import Definitions
from supakeep.domain.policy import BackupPolicy
from supakeep.usecases.store_definitions import StoreDefinitions
from tests.builders.backups import back_up
from tests.builders.dumps import dump_of
from tests.builders.postgres_project import PostgresProject
from tests.builders.public_schemas import PUBLIC_SCHEMAS
from tests.builders.rebuilds import rebuild
from tests.builders.supabase_auth import AUTH_ROWS, AUTH_SCHEMA, MANAGED
from tests.fakes.object_store import InMemoryObjectStore

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
        report = rebuild(new, manifest, store)

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
        rebuild(new, manifest, store)
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


def test_what_the_database_generated_of_users_stays_where_nobody_generates_it(
    project: PostgresProject,
) -> None:
    """A plain PostgreSQL has only stand-ins of the tables of users."""
    project.sql(AUTH_SCHEMA + AUTH_ROWS + MANAGED + PRIVATE)
    store = InMemoryObjectStore()
    manifest = back_up(project.database, store, policy=POLICY)

    with PostgresProject(project.server) as new:
        rebuild(new, manifest, store)

        for query in (
            "select id, confirmed_at from auth.users order by id",
            "select id, email from auth.identities order by id",
        ):
            assert new.rows(query) == project.rows(query)


ODD = """
create schema extensions;
create function extensions.touch() returns trigger language plpgsql as $$begin return new; end$$;
create function public.stop() returns event_trigger language plpgsql as 'begin raise exception $$stop$$; end';
create trigger touched before update on auth.users for each row execute function extensions.touch();
create trigger "odd; -- ""name""
$$" after update on auth.users referencing new table as "new ones" for each statement
  execute function own('a''b\\', '$$');
comment on trigger touched on auth.users is 'it''s ours';
create policy "all; of it" on storage.buckets as restrictive for update to anon using (name <> ';') with check (true);
comment on policy "all; of it" on storage.buckets is 'ours, too';
"""


def test_odd_ones_come_back_with_what_is_said_of_them_and_before_event_triggers(
    project: PostgresProject,
) -> None:
    own = "create function own() returns trigger language plpgsql as $$begin return null; end$$;"
    stop = "create event trigger stop on ddl_command_start when tag in ('CREATE TRIGGER') execute function stop()"
    project.sql(AUTH_SCHEMA + MANAGED + PRIVATE + own + ODD)
    project.superuser(stop)
    store = InMemoryObjectStore()
    manifest = back_up(project.database, store, policy=POLICY)
    comments = (
        "select description from pg_description "
        "where classoid in ('pg_trigger'::regclass, 'pg_policy'::regclass) order by 1"
    )

    with PostgresProject(project.server) as new:
        new.sql(AUTH_SCHEMA + MANAGED)
        new.superuser(
            "create schema extensions; create function extensions.touch() returns trigger "
            "language plpgsql as $$begin return new; end$$"
        )
        report = rebuild(new, manifest, store, "supabase_admin")

        assert report.not_rebuilt == ()
        assert new.rows(ON_MANAGED) == project.rows(ON_MANAGED)
        assert new.rows(comments) == [("it's ours",), ("ours, too",)]


def test_definitions_that_change_while_they_are_read_are_no_definitions(
    project: PostgresProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = "create function own() returns trigger language plpgsql as $$begin return new; end$$;"
    trigger = (
        "create trigger mine after insert on storage.objects for each row execute function own()"
    )
    project.sql(AUTH_SCHEMA + MANAGED + PRIVATE + own + trigger)
    read = StoreDefinitions.__call__

    def late(*arguments: Any) -> Definitions:
        project.sql(f"begin; drop trigger mine on storage.objects; {trigger}; commit")
        return read(*arguments)

    monkeypatch.setattr(StoreDefinitions, "__call__", late)
    manifest = back_up(project.database, InMemoryObjectStore(), policy=POLICY)

    assert manifest.definitions is not None
    problem = manifest.definitions.problem
    assert problem is not None
    assert "trigger storage.objects mine was changed or dropped" in problem.message
