"""Drills into schemas that they make in the live database, beside its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from devstack.processes.children import essential_environment
from supakeep.archive.reader import BackupReader
from supakeep.databases.postgres.scratch_schema import PostgresScratchSchemas
from supakeep.domain.assertions import parse_assertions
from supakeep.domain.drill import DrillReport, Rung
from supakeep.domain.manifest import Manifest
from supakeep.ports import ObjectStore
from supakeep.system import NoDeadline, SystemClock
from supakeep.usecases.drill_backup import DrillBackup
from supakeep.usecases.drill_restore import DrillRestore
from supakeep.usecases.rung import Figures
from tests.builders.command_line import run_supakeep
from tests.builders.postgres_project import PostgresProject
from tests.builders.supabase_auth import AUTH_ROWS, AUTH_SCHEMA
from tests.fakes.runs import InMemoryProgress

pytestmark = [pytest.mark.integration, pytest.mark.enable_socket]

SCHEMAS = "select nspname from pg_namespace where nspname like 'supakeep\\_drill\\_%' order by 1"
# what a drill may not change: every object and setting outside its own schemas
LIVE = """
select relname, relnamespace, relacl::text, relpersistence from pg_class where oid >= 16384
union all select nspname, oid, nspacl::text, '' from pg_namespace
union all select typname, typnamespace, '', '' from pg_type where oid >= 16384
union all select extname, oid, '', '' from pg_extension
order by 1, 2
"""


@pytest.fixture
def shop(project: PostgresProject) -> PostgresProject:
    """Tables with the types, triggers and foreign keys of a live database."""
    project.sql(
        "create type mood as enum ('fine', 'so so'); create domain euros as numeric(10, 2);"
        "create schema other; create table other.t (id int primary key, m mood);"
        "create table customers (id bigint generated always as identity primary key, m mood[], e euros,"
        " twice numeric generated always as (id * 2) stored);"
        "create table t (customer bigint primary key references customers, note text);"
        "insert into customers (m, e) select '{fine,null}', n + 0.5 from generate_series(1, 200) n;"
        "insert into t select n, 'n' || n from generate_series(1, 200) n;"
        "insert into other.t values (1, 'so so');"
        "create function refuse() returns trigger language plpgsql as $$ begin raise 'live'; end $$;"
        "create trigger refuse before insert or update or delete or truncate on t execute function refuse();"
        "create publication everything for table customers, t"
    )
    return project


@pytest.fixture
def server(project: PostgresProject) -> Iterator[PostgresScratchSchemas]:
    """As the role that owns the database and is no superuser, as on Supabase."""
    assert project.rows("select rolsuper from pg_roles where rolname = current_user") == [(False,)]
    yield PostgresScratchSchemas(project.url(), "the live database", 100_000_000)
    for name in schemas(project):
        project.superuser(f"drop schema {name} cascade")
    project.superuser("drop role if exists supakeep_assertions")


def schemas(project: PostgresProject) -> list[str]:
    return [name for (name,) in project.rows(SCHEMAS)]


def drill(
    server: PostgresScratchSchemas,
    backup: tuple[ObjectStore, Manifest],
    assertions: str = "",
) -> DrillReport:
    store, manifest = backup
    asked = parse_assertions(assertions, "drills.sql")
    climb = DrillBackup(server, asked, SystemClock(), NoDeadline(), InMemoryProgress())
    return climb(BackupReader(manifest, [store]))


def test_a_backup_is_proven_there_with_the_types_of_the_live_database_and_nothing_is_changed(
    shop: PostgresProject, server: PostgresScratchSchemas
) -> None:
    backup = shop.back_up(schemas=("public", "other"))
    # what is asked must be answered by the restored rows
    shop.sql("alter table customers add column since date; delete from other.t")
    before = shop.rows(LIVE)

    report = drill(
        server,
        backup,
        "-- name: a type\nselect count(*) = 200 from customers where 'fine'::mood = any (m)\n"
        # a table of this name is in both schemas
        "-- name: the bare name\nselect count(*) = 200 from t where note is not null\n"
        "-- name: the live rows\nselect count(*) = 200 from public.customers",
    )

    assert [problem.message for problem in report.problems] == []
    assert report.reached is Rung.ASSERTED
    assert report.rung(Rung.IDENTICAL).figures == {"tables": 3, "rows": 401}
    not_proven = {note.what: note.why for note in report.not_proven}
    assert not [what for what in not_proven if what.startswith("the type")]
    assert not_proven["the assertion 'the live rows'"].startswith("it names the schema public")
    assert (shop.rows(LIVE), schemas(shop)) == (before, [])
    assert shop.rows("select from pg_roles where rolname = 'supakeep_assertions'") == []


def test_users_are_proven_in_a_schema_beside_theirs(
    shop: PostgresProject, server: PostgresScratchSchemas
) -> None:
    shop.superuser(f"{AUTH_SCHEMA}{AUTH_ROWS}")
    shop.superuser(
        "grant usage on schema auth to postgres; grant select on all tables in schema auth to postgres"
    )
    before = shop.rows(LIVE)

    report = drill(
        server,
        shop.back_up(policy='[[table]]\nname = "t"\n[backup]\nauth = true'),
        "-- name: users\nselect count(*) = 2 from auth.users",
    )

    assert [problem.message for problem in report.problems] == []
    assert report.reached is Rung.IDENTICAL
    assert report.rung(Rung.IDENTICAL).figures["tables"] > 3
    assert "the assertion 'users'" in {note.what for note in report.not_proven}
    assert (shop.rows(LIVE), schemas(shop)) == (before, [])


def test_no_live_table_is_locked_or_read(
    shop: PostgresProject, server: PostgresScratchSchemas
) -> None:
    backup = shop.back_up()
    with psycopg.connect(shop.url("supabase_admin")) as other:
        other.execute("lock table customers, t, other.t in access exclusive mode")

        report = drill(server, backup)

    assert report.reached is Rung.IDENTICAL


def test_an_assertion_cannot_read_a_live_table(
    shop: PostgresProject, server: PostgresScratchSchemas
) -> None:
    backup = shop.back_up(policy='[[table]]\nname = "customers"')

    report = drill(server, backup, "-- name: live\nselect count(*) = 200 from t")

    assert [problem.message for problem in report.problems] == [
        "The assertion 'live' failed: permission denied for table t"
    ]


def test_a_type_that_is_gone_is_kept_as_text_and_nothing_is_made_for_it(
    shop: PostgresProject, server: PostgresScratchSchemas
) -> None:
    backup = shop.back_up(schemas=("other",))
    shop.sql("drop table other.t, customers, t; drop type mood cascade")
    before = shop.rows(LIVE)

    report = drill(server, backup)

    assert report.reached is Rung.IDENTICAL
    assert "the type public.mood" in {note.what for note in report.not_proven}
    assert shop.rows(LIVE) == before


def test_a_row_that_is_gone_is_said_of_the_backups_own_table(
    shop: PostgresProject, server: PostgresScratchSchemas, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup = shop.back_up(policy='[[table]]\nname = "t"')
    compare = DrillRestore.compare

    def meddled(restored: DrillRestore) -> Figures:
        [schema] = schemas(shop)
        shop.sql(f"delete from {schema}.t where customer = 7")
        return compare(restored)

    monkeypatch.setattr(DrillRestore, "compare", meddled)

    report = drill(server, backup)

    assert [problem.message for problem in report.problems] == [
        "public.t is not what was backed up: 199 rows came back of 200"
    ]


def test_the_command_line_drills_a_table_after_the_other_where_little_room_is_allowed(
    shop: PostgresProject, tmp_path: Path
) -> None:
    shop.sql(
        "create table big (id int primary key, t text);"
        "insert into big select n, repeat('x', 1000) from generate_series(1, 4000) n;"
        "create table big_too as select * from big"
    )
    environment = {
        **essential_environment(),
        "SUPABASE_DB_URL": shop.url(),
        "SUPABASE_PROJECT_REF": "shop",
    }
    (tmp_path / "supakeep.toml").write_text('[backup]\ntables = "*"')

    def supakeep(*arguments: str) -> str:
        done = run_supakeep(*arguments, environment=environment, folder=tmp_path)
        assert done.returncode == 0, done.stderr
        return done.stdout

    supakeep("backup", "--to", "copies")

    told = supakeep("drill", "--from", "copies", "--into", "schema", "--room", "6")

    assert "restored into a scratch schema of 127.0.0.1" in told
    assert "3 of 4 tables (1 still to be drilled)" in told
    assert "there is room for 6.0 MiB" in told
    assert "this drill and those before it have proven every table." in told
    assert schemas(shop) == []


def test_a_drill_that_breaks_off_drops_its_schemas(
    shop: PostgresProject, server: PostgresScratchSchemas
) -> None:
    def broken_off() -> None:
        with server.open() as scratch:
            [table] = shop.back_up(policy='[[table]]\nname = "t"')[1].tables
            scratch.create_tables([scratch.located(table.table)], {})
            assert len(schemas(shop)) == 1
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        broken_off()

    assert schemas(shop) == []


def test_what_a_killed_drill_left_is_dropped_and_nothing_else(
    shop: PostgresProject, server: PostgresScratchSchemas
) -> None:
    left, not_named, not_ours = "0123456789abcdef", "of_a_person", "fedcba9876543210"
    shop.sql(f"create schema supakeep_drill_{left}; create table supakeep_drill_{left}.t (id int)")
    shop.sql(f"create schema supakeep_drill_{not_named}")
    shop.superuser(f"create schema supakeep_drill_{not_ours}")
    [table] = shop.back_up(policy='[[table]]\nname = "t"')[1].tables

    with server.open() as one, server.open() as another:
        one.located(table.table)
        another.located(table.table)
        # two drills at once leave each other alone
        with server.open():
            assert len(schemas(shop)) == 4

    kept = [f"supakeep_drill_{name}" for name in (not_named, not_ours)]
    assert schemas(shop) == sorted(kept)
