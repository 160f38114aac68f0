"""Drills make the definitions of a backup around its rows: what that proves, and what it must never do."""

from __future__ import annotations

import pytest

from supakeep.domain.drill import DrillReport, NotProven, Rung
from supakeep.domain.policy import BackupPolicy
from tests.builders.backups import back_up
from tests.builders.postgres_project import PostgresProject
from tests.builders.public_schemas import PUBLIC_SCHEMAS
from tests.builders.signing import KEYRING
from tests.builders.supabase_auth import AUTH_ROWS, AUTH_SCHEMA, MANAGED
from tests.fakes.object_store import InMemoryObjectStore
from tests.integration.test_drills import WithoutRoles, drill, messages, outcomes, pytestmark

__all__ = ["pytestmark"]

SHOP = """
create type mood as enum ('fine', 'so so');
create table customers (
  id bigint generated always as identity primary key, name text not null unique, mood mood not null default 'fine',
  balance numeric check (balance >= 0), twice numeric generated always as (balance * 2) stored);
create table orders (
  id bigserial primary key, customer bigint not null references customers on delete cascade,
  at timestamptz default now());
create index on orders (at);
create view rich as select * from customers where balance > 100;
create function no_change() returns trigger language plpgsql as $$ begin return null; end $$;
create trigger frozen before insert or update on orders for each row execute function no_change();
alter table customers enable row level security;
alter table customers force row level security;
create policy own on customers to authenticated using (name = current_user);
grant select on customers to authenticated;
insert into customers (name, balance) select 'c' || n, n from generate_series(1, 200) n;
alter table orders disable trigger frozen;
insert into orders (customer) select n from generate_series(1, 200) n;
alter table orders enable trigger frozen;
"""
AS_THEY_WERE = """
-- name: the trigger, the policy and the index are there
select (select count(*) from pg_trigger where tgname = 'frozen') = 1
   and (select count(*) from pg_policy where polname = 'own') = 1
   and (select count(*) from pg_index where indrelid = 'orders'::regclass) = 2
-- name: constraints are valid
select conname from pg_constraint where not convalidated
-- name: both foreign key and check are there
select count(*) = 2 from pg_constraint where contype in ('f', 'c') and connamespace = 'public'::regnamespace
-- name: row security hides no row from an assertion
select count(*) = 200 from customers
-- name: the expression has computed its values
select twice from customers where twice is distinct from balance * 2
-- name: the view works
select count(*) = 100 from rich
"""


def not_proven(report: DrillReport) -> dict[str, str]:
    return {note.what: note.why for note in report.not_proven}


def test_what_rests_on_rows_is_made_and_holds(project: PostgresProject) -> None:
    project.sql(SHOP)

    report = drill(project.back_up(), assertions=AS_THEY_WERE)

    assert messages(report) == []
    assert report.reached is Rung.ASSERTED
    assert not_proven(report) == {}
    assert report.rung(Rung.RESTORABLE).figures["definitions"] > 15


def test_users_and_what_is_the_projects_own_on_their_tables_are_proven(
    project: PostgresProject,
) -> None:
    private = "create schema private;"
    starter = PUBLIC_SCHEMAS["a Supabase starter"].sql
    project.sql(AUTH_SCHEMA + AUTH_ROWS + MANAGED + private + starter)

    report = drill(project.back_up(schemas=("public", "private")))

    assert messages(report) == []
    assert report.reached is Rung.IDENTICAL
    assert not_proven(report).keys() == set()


def test_rows_that_a_unique_index_refuses_fail_the_drill(project: PostgresProject) -> None:
    project.sql(
        "create table t (id int primary key, code text); insert into t values (1, 'secret-a'), (2, 'secret-b');"
        "create function place(text) returns text language sql immutable as 'select $1';"
        "create unique index one_place on t (place(code));"
        "create or replace function place(text) returns text language sql immutable as $$ select 'x' $$"
    )

    report = drill(project.back_up())

    assert outcomes(report) == "ppfp-"
    assert messages(report) == [
        'The rows do not fit index public.one_place: could not create unique index "one_place"'
    ]
    assert "secret" not in report.model_dump_json()


def test_a_foreign_key_to_rows_that_no_backup_holds_is_not_proven_and_no_failure(
    project: PostgresProject,
) -> None:
    project.sql(
        "create table parents (id int primary key); insert into parents select generate_series(1, 20);"
        "create table children (id int primary key, parent int references parents);"
        "insert into children select n, n from generate_series(1, 20) n"
    )
    window = '[[table]]\nname = "parents"\nlast_rows = 5\norder_by = "id"\n[[table]]\nname = "children"\n'

    report = drill(project.back_up(policy=window))

    assert outcomes(report) == "pppp-"
    [(what, why)] = not_proven(report).items()
    assert what == "fk constraint public.children children_parent_fkey"
    assert why.startswith("not every row of the table that it refers to is there: insert or update")


def test_what_the_definitions_run_may_read_no_file_and_start_no_program(
    project: PostgresProject,
) -> None:
    project.sql(
        "create table t (id int primary key); insert into t values (1);"
        "create function harmless(int) returns text language plpgsql immutable as $$ begin return 'x'; end $$;"
        "create index by_it on t (harmless(id));"
        "create or replace function harmless(int) returns text language plpgsql immutable as"
        " $$ begin return pg_read_file('/etc/passwd'); end $$"
    )

    report = drill(project.back_up())

    assert outcomes(report) == "pppp-"
    assert report.not_proven == (
        NotProven(what="index public.by_it", why="permission denied for function pg_read_file"),
    )


def test_where_definitions_cannot_be_made_tables_are_as_the_manifest_describes_them(
    project: PostgresProject,
) -> None:
    project.sql(SHOP)

    report = drill(project.back_up(), server=WithoutRoles())

    assert report.reached is Rung.IDENTICAL
    assert not_proven(report)["foreign keys, checks, defaults, indexes, triggers and policies"] == (
        "they can be made only in a database of its own, with the roles of Supabase"
    )


@pytest.mark.parametrize(
    "withheld",
    ['mask = { email = "hash" }', 'exclude_columns = ["email"]'],
    ids=["mask", "exclude"],
)
def test_a_backup_without_values_that_its_definitions_demand_is_proven_without_them(
    project: PostgresProject, withheld: str
) -> None:
    project.sql(
        "create table people (id int primary key, email text not null unique check (email like '%@%'));"
        "insert into people values (1, 'ada@example.com'), (2, 'bob@example.com')"
    )
    policy = BackupPolicy.parse(f'[[table]]\nname = "people"\n{withheld}')
    store = InMemoryObjectStore()

    report = drill((store, back_up(project.database, store, policy=policy, keyring=KEYRING)))

    assert messages(report) == []
    assert report.reached is Rung.IDENTICAL
    assert not_proven(report)["public.people.email"] == (
        "the backup has no value of it: the policy masks or leaves out the column"
    )
    assert (
        "the backup has no values of public.people.email, and the definitions may demand them"
        in (not_proven(report).values())
    )
