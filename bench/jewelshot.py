"""Jewelshot with as many transactions as wanted, made by the database itself, the same each time."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import sql

from bench.measure import BenchError
from devstack.supabase.migrations import create_jewelshot
from devstack.supabase.postgres import Postgres

TRANSACTIONS_PER_USER = 100

# What Jewelshot's keys and policies refer to. If Supabase Lite runs, it has created both.
_AUTH = """
create table if not exists auth.users (id uuid primary key);
do $$
begin
  if to_regprocedure('auth.uid()') is null then
    create function auth.uid() returns uuid language sql stable as 'select null::uuid';
  end if;
end
$$;
"""
_FILL = """
insert into auth.users (id)
select md5('user ' || n)::uuid from generate_series(1, {users}) n;

insert into public.user_credits (user_id, balance, lifetime_purchased, lifetime_used, plan, metadata,
                                 created_at, updated_at)
select md5('user ' || n)::uuid, n % 400 + 0.25, 500, 499.75 - n % 400, 'starter',
       jsonb_build_object('newsletter', n % 3 = 0), timestamptz '2025-01-01Z' + n * interval '7 min',
       timestamptz '2026-01-01Z'
  from generate_series(1, {users}) n;

insert into public.operation_costs (id, operation, cost, description, active, updated_at)
select n, 'operation_' || n, n * 0.3333, 'What operation ' || n || ' does with a picture', true,
       timestamptz '2025-06-01Z'
  from generate_series(1, 12) n;

insert into public.batch_projects (id, user_id, name, status, total_images, settings, created_at,
                                   completed_at)
select md5('project ' || n)::uuid, md5('user ' || n)::uuid, 'Spring collection · ' || n, 'completed',
       n % 40, '{{"dpi": 300, "background": "#f6f1e7"}}', timestamptz '2025-07-01Z' + n * interval '5 min',
       timestamptz '2025-07-01Z' + n * interval '6 min'
  from generate_series(1, {users}) n;

insert into public.credit_transactions (id, user_id, project_id, operation, kind, amount,
                                        balance_after, description, metadata, created_at)
select n, md5('user ' || u)::uuid,
       case when n % 5 > 0 then md5('project ' || u)::uuid end,
       case when n % 5 > 0 then 'operation_' || n % 12 + 1 end,
       case when n % 5 > 0 then 'usage' else 'purchase' end,
       case when n % 5 > 0 then -(n % 12 + 1) * 0.3333 else 25 end,
       n % 9973 + 0.4444,
       case when n % 5 > 0 then 'Picture ' || n || ' · café “Élan”' else '25 credits' end,
       jsonb_build_object('request', 'req_' || left(md5(n::text), 12), 'ms', n % 4999),
       timestamptz '2025-08-01Z' + n * interval '7.123456 s'
  from (select n, n::bigint * 7919 % {users} + 1 as u from generate_series(1, {rows}) n) numbered;

select setval(pg_get_serial_sequence('public.operation_costs', 'id'), 12),
       setval(pg_get_serial_sequence('public.credit_transactions', 'id'), {rows});
"""
TABLES = (
    "user_credits", "operation_costs", "batch_projects", "batch_images", "credit_transactions",
)  # fmt: skip
# every hundredth row: one in a hundred differs, spread over the whole table
_DAMAGE = """
update public.credit_transactions
   set balance_after = balance_after + 1, description = 'damaged ' || description
 where id % 100 = 0
"""
_TABLE = """
create table public.table_{n} (
  id bigint generated always as identity primary key, owner uuid not null default gen_random_uuid(),
  name text not null check (name <> ''), price numeric(12, 2), made_at timestamptz not null default now(),
  of bigint references public.table_{n});
create index on public.table_{n} (owner, made_at desc);
alter table public.table_{n} enable row level security;
create policy own on public.table_{n} for select to authenticated using (owner = gen_random_uuid());
grant select on public.table_{n} to authenticated;
"""
_STATE = """
select count(*), sum(hashtextextended(t::text, 0)) from public.credit_transactions t
union all
select count(*), sum(hashtextextended(t::text, 0)) from public.batch_projects t
"""


class Jewelshot:
    """The benchmark's database; `rows` are the transactions in it."""

    def __init__(self, server: Postgres, rows: int) -> None:
        self.server = server
        self.rows = rows
        self.state: list[tuple[Any, ...]] = []

    @property
    def url(self) -> str:
        """The address for the role that owns the tables, with a hosted project's rights."""
        return self.server.url()

    @property
    def version(self) -> str:
        """The server's version and platform."""
        with self._superuser() as connection:
            row = connection.execute("select version()").fetchone()
        return str(row[0]) if row else "PostgreSQL"

    def fill(self) -> None:
        """Creates the tables, unless they exist, and their rows."""
        users = max(1, self.rows // TRANSACTIONS_PER_USER)
        self._execute(_AUTH)
        create_jewelshot(self.url)
        self._execute(_FILL.format(users=users, rows=self.rows))
        self.settle()
        self.state = self._state()

    def add_tables(self, number: int) -> None:
        """Tables without rows, each with an index, a key, a policy and a grant."""
        for n in range(number):
            self._execute(_TABLE.format(n=n))

    def empty(self) -> None:
        """Empties the tables, and keeps their indexes and keys."""
        self._execute("truncate " + ", ".join(f"public.{table}" for table in TABLES))
        self.settle()

    def damage(self, *, checkpoint: bool) -> None:
        """Changes 1 % of the transactions, spread over the whole table; with `checkpoint` there is
        one between that and what follows.
        """
        self._checkpoint()
        self._execute(_DAMAGE)
        self._vacuum()
        if checkpoint:
            self._checkpoint()

    def settle(self) -> None:
        """What autovacuum and the next checkpoint would do, done before the clock starts."""
        self._vacuum()
        self._checkpoint()

    def check(self) -> None:
        """Raises BenchError unless the rows are the original ones."""
        if self._state() != self.state:
            raise BenchError("the restore did not bring back the rows")

    def wal_bytes(self) -> int:
        """How many bytes of WAL were written since the cluster was created."""
        with self._superuser() as connection:
            row = connection.execute(
                "select pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint"
            ).fetchone()
        return int(row[0]) if row else 0

    def _state(self) -> list[tuple[Any, ...]]:
        with self._superuser() as connection:
            return connection.execute(_STATE).fetchall()

    def _vacuum(self) -> None:
        with self._superuser() as connection:
            connection.execute("vacuum (analyze)")

    def _checkpoint(self) -> None:
        with self._superuser() as connection:
            connection.execute("checkpoint")

    def _superuser(self) -> psycopg.Connection[tuple[Any, ...]]:
        return psycopg.connect(self.server.url("supabase_admin"), autocommit=True)

    def _execute(self, script: str) -> None:
        with psycopg.connect(self.url) as connection:
            connection.execute("set statement_timeout = 0")
            connection.execute(sql.SQL(script))
