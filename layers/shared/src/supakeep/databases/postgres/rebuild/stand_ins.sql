-- What a plain PostgreSQL lacks of a Supabase project, as far as definitions refer to it.
create schema auth;
create function auth.jwt() returns jsonb language sql stable as
  $$select coalesce(nullif(current_setting('request.jwt.claim', true), ''),
                    nullif(current_setting('request.jwt.claims', true), ''))::jsonb$$;
create function auth.uid() returns uuid language sql stable as $$select (auth.jwt() ->> 'sub')::uuid$$;
create function auth.role() returns text language sql stable as $$select auth.jwt() ->> 'role'$$;
create function auth.email() returns text language sql stable as $$select auth.jwt() ->> 'email'$$;
grant usage on schema auth to anon, authenticated, service_role;

create schema if not exists extensions;
grant usage on schema extensions to anon, authenticated, service_role;

create schema if not exists storage;
create table if not exists storage.buckets (
  id text primary key, name text not null, owner uuid, public boolean default false, file_size_limit bigint,
  allowed_mime_types text[], created_at timestamptz default now(), updated_at timestamptz default now());
create table if not exists storage.objects (
  id uuid primary key default gen_random_uuid(), bucket_id text references storage.buckets, name text, owner uuid,
  metadata jsonb, version text, created_at timestamptz default now(), updated_at timestamptz default now());
grant usage on schema storage to anon, authenticated, service_role;
create function storage.foldername(name text) returns text[] language sql immutable as
  $$select trim_array(string_to_array(name, '/'), 1)$$;
create function storage.filename(name text) returns text language sql immutable as
  $$select split_part(name, '/', -1)$$;
create function storage.extension(name text) returns text language sql immutable as
  $$select split_part(storage.filename(name), '.', -1)$$;
