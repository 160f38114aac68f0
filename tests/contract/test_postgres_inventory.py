"""What a project is made of, as its database tells it, and what a backup then says of each."""

from __future__ import annotations

import pytest

from supakeep.databases.postgres.database import PostgresDatabase
from supakeep.domain.policy import BackupPolicy
from supakeep.domain.project_coverage import CoverageState
from supakeep.domain.project_object import ObjectKind
from tests.builders.backups import back_up
from tests.builders.postgres_project import PostgresProject
from tests.fakes.object_store import InMemoryObjectStore

pytestmark = pytest.mark.integration

PROJECT = """
create table orders (id int primary key);
create table hidden (id int primary key);
create table events (id int, at date, primary key (id, at)) partition by range (at);
create table events_2026 partition of events for values from ('2026-01-01') to ('2027-01-01');
create view recent as select * from orders;
create materialized view totals as select count(*) from orders;
create function public.pay(amount int) returns trigger language plpgsql as 'begin return new; end';
create trigger paid before insert on orders for each row execute function pay('1');
create policy own on orders for select using (true);
create publication changes for table orders;
create schema auth; create schema storage; create schema cron; create schema vault;
create schema supabase_functions;
create table auth.users (id uuid primary key);
create function public.welcome() returns trigger language plpgsql as 'begin return new; end';
create function auth.touch() returns trigger language plpgsql as 'begin return new; end';
create trigger welcome after insert on auth.users for each row execute function welcome();
create trigger touch before update on auth.users for each row execute function auth.touch();
create function supabase_functions.http_request() returns trigger language plpgsql
  as 'begin return new; end';
create trigger to_slack after insert on orders for each row
  execute function supabase_functions.http_request();
create table storage.buckets (id text primary key);
create table storage.objects (id int primary key);
create policy mine on storage.objects for select using (true);
insert into storage.buckets values ('avatars'), ('a b''c');
create table cron.job (jobid int, jobname text, command text);
insert into cron.job values (1, 'nightly', 'select ''s3cret'''), (2, null, 'select 2');
create table vault.secrets (id int, name text, secret text);
insert into vault.secrets values (1, 'stripe', 's3cret');
create type mood as enum ('good', 'bad');
create domain email as text check (value like '%@%');
create type point3 as (x int, y int, z int);
create type auth.factor as enum ('totp');
create sequence shared_numbers;
create sequence invoice_numbers;
create table invoices (
  id serial primary key, n int default nextval('shared_numbers'), m int generated always as identity);
alter default privileges in schema public grant select on tables to pg_monitor;
alter default privileges in schema auth grant select on tables to pg_monitor;
"""
POLICY = BackupPolicy.parse('[backup]\ntables = ["orders", "events"]')


def test_a_backup_names_everything_in_the_project_that_it_does_not_hold(
    project: PostgresProject,
) -> None:
    # a trigger function cannot be declared with arguments
    project.sql(PROJECT.replace("pay(amount int)", "pay()"))

    manifest = back_up(project.database, InMemoryObjectStore(), policy=POLICY)

    assert manifest.coverage is not None
    assert manifest.coverage.problem is None
    kinds = {kind.kind: kind for kind in manifest.coverage.kinds}
    backed_up = {kind: kinds[kind].backed_up for kind in kinds if kinds[kind].backed_up}
    assert backed_up == {
        "schema": 1, "table": 2, "partition": 1, "view": 1, "materialized view": 1, "function": 2,
        "trigger": 2, "policy": 2, "publication": 1, "webhook": 1, "users": 1, "definitions": 1,
        "sequence": 2, "type": 3, "default privileges": 1,
    }  # fmt: skip
    gaps = {f"{gap.kind} {gap.name}": gap.state for gap in manifest.coverage.gaps}
    roles = {name for name in gaps if name.startswith("role ")}
    never = CoverageState.NOT_SUPPORTED
    assert {name: state for name, state in gaps.items() if name not in roles} == {
        "table public.hidden": CoverageState.CONFIGURED_OUT,
        "table public.invoices": CoverageState.CONFIGURED_OUT,
        "sequence public.invoice_numbers": never,
        "bucket avatars": CoverageState.CONFIGURED_OUT,
        "bucket a b'c": CoverageState.CONFIGURED_OUT,
        "cron job nightly": never,
        "cron job job 2": never,
        "vault secret stripe": never,
        "edge function all": never,
        "auth setting all": never,
    }
    assert "s3cret" not in manifest.model_dump_json()


def test_what_the_role_may_not_read_is_named_and_fails_nothing(project: PostgresProject) -> None:
    role = f"{project.name}_reader"
    project.sql("create table orders (id int primary key)")
    project.superuser(
        "create schema vault; create table vault.secrets (id int, name text); create schema cron; "
        "create table cron.job (jobid int); create schema storage; create table storage.buckets (id text); "
        f"alter table storage.buckets enable row level security; create role {role} login; "
        f"grant usage on schema cron, storage to {role}; grant select on storage.buckets, orders to {role}"
    )
    policy = BackupPolicy.parse('[backup]\ntables = ["orders"]\nauth = false')

    try:
        manifest = back_up(
            PostgresDatabase(project.url(role)), InMemoryObjectStore(), policy=policy
        )
    finally:
        project.superuser(f"drop owned by {role}; drop role {role}")

    assert manifest.is_good
    assert manifest.coverage is not None
    assert manifest.coverage.problem is None
    hidden = [gap.name for gap in manifest.coverage.gaps if gap.name.startswith("each of")]
    assert hidden == [
        "each of storage.buckets, which the role may not read",
        "each of cron.job, which the role may not read",
        "each of vault.secrets, which the role may not read",
    ]


def test_an_event_trigger_is_the_projects_unless_supabase_has_its_function(
    project: PostgresProject,
) -> None:
    function = "create function {}.f() returns event_trigger language plpgsql as 'begin end'; "
    event = "create event trigger {} on ddl_command_end execute function {}.f(); "
    project.superuser(
        "create schema extensions; create table t (id int primary key); "
        + function.format("public") + function.format("extensions")
        + event.format("audit_ddl", "public") + event.format("pgrst_ddl_watch", "extensions")
    )  # fmt: skip

    with project.database.snapshot() as snapshot:
        found = {
            one.name: one.managed
            for one in snapshot.inventory()
            if one.kind is ObjectKind.EVENT_TRIGGER
        }

    assert found == {"audit_ddl": False, "pgrst_ddl_watch": True}
