-- What a hosted Supabase project has before any migration runs, and Supabase Lite does not create.
-- The superuser is supabase_admin. Migrations run as `postgres`, which is not a superuser, exactly as when hosted.

do $$
declare
  role text;
begin
  foreach role in array array['anon', 'authenticated', 'service_role', 'authenticator', 'postgres'] loop
    if not exists (select from pg_roles where rolname = role) then
      execute format('create role %I', role);
    end if;
  end loop;
end
$$;

alter role service_role bypassrls;
alter role authenticator login noinherit;
-- what service_role gets through the Data API, having no limit of its own
alter role authenticator set statement_timeout = '8s';
alter role postgres login createdb createrole replication bypassrls;
grant anon, authenticated, service_role to authenticator;
grant anon, authenticated, service_role to postgres with admin option;
grant pg_monitor, pg_read_all_data, pg_signal_backend to postgres;
-- a restore may keep triggers from firing; Supabase allows this to postgres through an extension
grant set on parameter session_replication_role to postgres;

alter database postgres owner to postgres;
alter role postgres set search_path = "$user", public, extensions;
alter role postgres set statement_timeout = '2min';
grant usage on schema public to anon, authenticated, service_role;

create schema if not exists auth authorization supabase_admin;
create schema if not exists storage authorization supabase_admin;
create schema if not exists extensions authorization postgres;
create schema if not exists supabase_migrations authorization supabase_admin;
grant usage, create on schema auth, storage, supabase_migrations to postgres;
grant usage on schema auth, storage, extensions to anon, authenticated, service_role;
-- Lite creates the tables of these schemas later; `postgres` may use them, as when hosted.
alter default privileges for role supabase_admin in schema auth, storage, supabase_migrations
  grant all on tables to postgres;
alter default privileges for role supabase_admin in schema auth, storage, supabase_migrations
  grant all on sequences to postgres;
alter default privileges for role supabase_admin in schema auth, storage, supabase_migrations
  grant execute on functions to postgres;
