"""Three schemas in the spirit of what people publish and start from, with rows in each."""

from __future__ import annotations

from typing import NamedTuple

from tests.builders.supabase_auth import ANNA, BEN


class PublicSchema(NamedTuple):
    """`counted` says how many rows its tables have; `extensions` is what somebody with more rights installs."""

    sql: str
    counted: dict[str, int]
    extensions: str = ""


# a sample database of a shop that rents films: domains, an aggregate, text search, partitions by date
RENTAL = PublicSchema(
    r"""
create domain release_year as integer check (value >= 1901 and value <= 2155);
create type rating as enum ('G', 'PG', 'PG-13', 'R', 'NC-17');
create function _group_concat(text, text) returns text language sql immutable as
  $_$select case when $2 is null then $1 when $1 is null then $2 else $1 || ', ' || $2 end$_$;
create aggregate group_concat(text) (sfunc = _group_concat, stype = text);
create function last_updated() returns trigger language plpgsql as $$begin new.last_update = now(); return new; end$$;
create sequence film_numbers start 5 increment 5 cache 3;
create table actor (actor_id serial primary key, first_name text not null, last_name text not null,
                    last_update timestamptz not null default now());
create index idx_actor_last_name on actor (last_name text_pattern_ops) include (first_name);
create table film (
  film_id int primary key default nextval('film_numbers'), title varchar(255) not null, year release_year,
  rate numeric(4,2) not null default 4.99, length smallint check (length > 0), rating rating default 'G',
  features text[] collate "C", fulltext tsvector not null, span int4range,
  constraint no_title_twice unique nulls not distinct (title, year), exclude using gist (span with &&));
alter sequence film_numbers owned by film.film_id;
create index film_fulltext_idx on film using gist (fulltext);
create index on film ((lower(title)), rate desc nulls last) where rating <> 'R';
create table film_actor (
  actor_id int references actor on update cascade on delete restrict,
  film_id int references film deferrable initially deferred, primary key (actor_id, film_id));
create table payment (payment_id int, amount numeric(5,2) not null, paid_at timestamptz not null, parts cidr)
  partition by range (paid_at);
create table payment_2026_01 partition of payment (primary key (payment_id))
  for values from ('2026-01-01Z') to ('2026-02-01Z');
create table payment_rest partition of payment default;
create trigger last_updated before update on actor for each row execute function last_updated();
create trigger film_fulltext before insert or update of title on film for each row
  execute function tsvector_update_trigger('fulltext', 'pg_catalog.english', 'title');
create view actor_info with (security_barrier) as
  select a.actor_id, a.last_name, group_concat(f.title) as films
    from actor a left join film_actor fa using (actor_id) left join film f using (film_id) group by 1, 2;
create rule no_deletion as on delete to film_actor where old.actor_id = 1 do instead nothing;
create function in_stock(film int, out stocked boolean) language plpgsql stable strict parallel safe as
  $$begin stocked := exists (select from film f where f.film_id = film); end$$;
create procedure raise_rates(percent numeric) language sql as 'update film set rate = rate * (1 + percent / 100)';
create statistics film_stats (dependencies) on rate, length from film;
comment on column film.rate is 'what a day costs; "net"';
insert into actor (first_name, last_name) values ('Ann', 'O''Hara'), ('Bo', E'Back\\slash'), ('Çağ', 'Åß');
insert into film (title, year, length, rating, features, span) values
  ('A Night', 1999, 90, 'PG-13', '{"Deleted Scenes",NULL,"a,b"}', '[1,5)'), ('B', null, null, null, null, '[5,9)');
insert into film_actor values (1, 5), (2, 5), (3, 10);
insert into payment select n, n * 0.01, timestamptz '2026-01-01Z' + n * interval '1 day', '10.0.0.0/8'
  from generate_series(1, 60) n;
""",
    {"actor": 3, "film": 2, "film_actor": 3, "payment": 60},
)

# what a new application begins with: profiles made by a trigger on the users, policies everywhere
STARTER = PublicSchema(
    f"""
create table profiles (
  id uuid primary key references auth.users on delete cascade, username text unique, avatar_url text,
  updated_at timestamptz, constraint username_length check (char_length(username) >= 3));
alter table profiles enable row level security;
create policy "Public profiles are viewable by everyone." on profiles for select using (true);
create policy "Users can insert their own profile." on profiles for insert
  with check ((select auth.uid()) = id);
create policy "Users can update own profile." on profiles for update using ((select auth.uid()) = id);
create function handle_new_user() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  insert into public.profiles (id, username) values (new.id, new.raw_user_meta_data ->> 'name');
  return new;
end $$;
revoke execute on function handle_new_user() from public;
create trigger on_auth_user_created after insert on auth.users for each row execute function handle_new_user();
create trigger "off; for now" after update of email on auth.users for each row
  when (old.email is distinct from new.email) execute function handle_new_user();
alter table auth.users disable trigger "off; for now";
insert into storage.buckets (id, name, public) values ('avatars', 'avatars', true);
create policy "Avatar images are publicly accessible." on storage.objects
  for select using (bucket_id = 'avatars');
create policy "Anyone can upload an avatar." on storage.objects as restrictive for insert to authenticated, anon
  with check (bucket_id = 'avatars' and (storage.foldername(name))[1] = (select auth.uid()::text));
create table private.members (team bigint, member uuid references profiles, primary key (team, member));
create function private.is_member(team bigint) returns boolean language sql stable security definer
  set search_path = '' as
  $$select exists (select from private.members m where m.team = $1 and m.member = (select auth.uid()))$$;
create table todos (
  id bigint generated by default as identity primary key, team bigint not null, task text check (length(task) > 2),
  done boolean default false, inserted_at timestamptz not null default timezone('utc', now()));
alter table todos enable row level security;
alter table todos force row level security;
create policy members on todos to authenticated using (private.is_member(team)) with check (private.is_member(team));
grant usage on schema private to authenticated;
grant select, insert (team, task), update (done) on todos to authenticated;
create publication changes for table todos (id, done) where (done);
alter table todos replica identity full;
insert into profiles values ('{ANNA}', 'Anna', null, '2026-01-01Z'), ('{BEN}', 'Bén', 'b.png', null);
insert into private.members values (1, '{ANNA}'), (1, '{BEN}');
insert into todos (team, task) select n % 2, 'task ' || n from generate_series(1, 40) n;
""",
    {"profiles": 2, "private.members": 2, "todos": 40, "auth.users": 2},
)

# measurements and documents: generated columns, sub-partitions, vectors with an index
MEASURED = PublicSchema(
    """
create type unit as enum ('kWh', 'm³');
create type reading as (value numeric, unit unit);
create table documents (
  id uuid primary key default gen_random_uuid(), title text not null, body jsonb not null default '{}',
  slug text generated always as (lower(replace(title, ' ', '-'))) stored,
  shouted text generated always as (upper(title)) stored,
  embedding extensions.vector(3), words tsvector generated always as (to_tsvector('simple', title)) stored);
create index on documents using hnsw (embedding extensions.vector_cosine_ops);
create index on documents using gin (body jsonb_path_ops);
create index on documents using gin (words);
create table readings (meter int, at timestamptz, value reading, cost numeric, primary key (meter, at))
  partition by list (meter);
create table readings_1 partition of readings for values in (1) partition by range (at);
create table readings_1_2026 partition of readings_1 for values from ('2026-01-01Z') to ('2027-01-01Z');
create table readings_1_rest partition of readings_1 default;
create table readings_rest partition of readings default;
create index on readings (at) where cost > 1;
create table notes (id int, document uuid references documents on delete set null (document), primary key (id));
create materialized view costs as select meter, sum(cost) as cost from readings group by meter;
create unique index on costs (meter);
create function near(probe extensions.vector) returns setof documents language sql stable as
  $$select * from documents order by embedding operator(extensions.<=>) probe limit 2$$;
insert into documents (id, title, body, embedding) values
  ('00000000-0000-4000-8000-000000000001', 'First Steps', '{"a": [1.10, null]}', '[1,0,0.5]'),
  ('00000000-0000-4000-8000-000000000002', 'Élan', '{}', null),
  ('00000000-0000-4000-8000-000000000003', 'Third', '[]', '[-1,2e-3,0]');
insert into readings select (n - 1) / 30, timestamptz '2026-12-30Z' + n * interval '1 hour', (n * 0.1, 'm³')::reading, n
  from generate_series(1, 90) n;
insert into notes select row_number() over (order by title), id from documents;
refresh materialized view costs;
""",
    {"documents": 3, "readings": 90, "notes": 3},
    "create schema extensions; create extension vector schema extensions; grant usage on schema extensions to public",
)

PUBLIC_SCHEMAS = {"a rental shop": RENTAL, "a Supabase starter": STARTER, "measurements": MEASURED}
