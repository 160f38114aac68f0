-- The tables and rows that the golden backups hold; tests/golden/README.md.
create table public.plans (name text primary key, monthly numeric(12, 4) not null);
insert into public.plans values ('free', 0.0000), ('starter', 12.3400), ('a "quote", a \ and
a line break', 12345678.1230);

create table public."Order lines" (
  "order" bigint generated always as identity,
  "line no" integer,
  plan text references public.plans,
  total numeric not null,
  doubled numeric generated always as (total * 2) stored,
  raw json,
  doc jsonb,
  "bytes" bytea,
  tags text[],
  at timestamptz,
  primary key ("order", "line no"));
insert into public."Order lines" overriding system value values
  (9007199254740993, 1, 'starter', 12345678901234567890.1230, default, '{"b": 1, "a": 2.50, "a": 3}',
   '{"n": null}', '\xdeadbeef00', array['{,}', null, ''], 'infinity'),
  (7, 2, 'free', 'NaN', default, 'null', 'null', '', '{}', '0044-03-15 12:00 BC'),
  (8, 1, null, 0.10, default, null, '[1e400]', null, null, '2026-02-28 23:59:59.999999+14');

create table public.only_keys (a integer, b text, primary key (a, b));
insert into public.only_keys select n, 'key ' || n from generate_series(1, 200) as n;
create table public.empty_one (id serial primary key);
