"""The schema `auth` as a Supabase project has it: what a backup takes of it, and what it does not."""

from __future__ import annotations

# bcrypt of the password "correct horse battery staple", as Supabase Auth stores it
PASSWORD = "correct horse battery staple"
BCRYPT = "$2a$10$WU1rW.34gxOMEvYOcKZzre1BAbErVjUS5LzoQx.1H/RuGjThikeci"
ANNA = "11111111-1111-4111-8111-111111111111"
BEN = "22222222-2222-4222-8222-222222222222"

AUTH_SCHEMA = """
create schema auth;
create type auth.factor_type as enum ('totp', 'webauthn', 'phone');
create table auth.users (
  instance_id uuid, id uuid primary key, aud text, role text, email varchar(255), encrypted_password text,
  email_confirmed_at timestamptz, phone text unique, phone_confirmed_at timestamptz,
  confirmed_at timestamptz generated always as (least(email_confirmed_at, phone_confirmed_at)) stored,
  raw_user_meta_data jsonb, is_sso_user boolean not null default false, created_at timestamptz);
create table auth.identities (
  id uuid primary key, provider_id text not null, user_id uuid not null references auth.users on delete cascade,
  identity_data jsonb not null, provider text not null,
  email text generated always as (lower(identity_data ->> 'email')) stored, unique (provider_id, provider));
create table auth.mfa_factors (
  id uuid primary key, user_id uuid not null references auth.users on delete cascade,
  factor_type auth.factor_type not null, secret text);
create table auth.sso_providers (id uuid primary key, resource_id text);
create table auth.sessions (id uuid primary key, user_id uuid not null references auth.users on delete cascade);
create table auth.refresh_tokens (id bigserial primary key, token text);
create table auth.one_time_tokens (id uuid primary key, token_hash text not null);
create table auth.flow_state (id uuid primary key, auth_code text not null);
create table auth.audit_log_entries (id uuid primary key, payload json);
alter table auth.users enable row level security;
alter table auth.identities enable row level security;
"""

# what else a project has that policies and triggers of its own refer to
MANAGED = """
create function auth.uid() returns uuid language sql stable as
  $$select nullif(current_setting('request.jwt.claim.sub', true), '')::uuid$$;
create schema storage;
create table storage.buckets (id text primary key, name text not null, public boolean default false);
create table storage.objects (
  id uuid primary key default gen_random_uuid(), bucket_id text references storage.buckets, name text);
alter table storage.objects enable row level security;
create function storage.foldername(name text) returns text[] language sql immutable as
  $$select trim_array(string_to_array(name, '/'), 1)$$;
create function storage.touch() returns trigger language plpgsql as $$begin return new; end$$;
create trigger update_objects before update on storage.objects for each row execute function storage.touch();
"""

AUTH_ROWS = f"""
insert into auth.users (id, email, encrypted_password, email_confirmed_at, raw_user_meta_data) values
  ('{ANNA}', 'Anna@example.com', '{BCRYPT}', '2026-01-01', '{{"name": "Anna"}}'),
  ('{BEN}', 'ben@example.com', '{BCRYPT}', '2026-01-02', '{{}}');
insert into auth.identities (id, provider_id, user_id, identity_data, provider)
  select gen_random_uuid(), id::text, id, jsonb_build_object('email', email), 'email' from auth.users;
insert into auth.mfa_factors values (gen_random_uuid(), '{ANNA}', 'totp', 'JBSWY3DPEHPK3PXP');
insert into auth.sso_providers values (gen_random_uuid(), 'acme');
insert into auth.sessions select gen_random_uuid(), id from auth.users;
insert into auth.refresh_tokens (token) values ('a-refresh-token');
insert into auth.one_time_tokens values (gen_random_uuid(), 'a-one-time-token');
insert into auth.flow_state values (gen_random_uuid(), 'an-auth-code');
insert into auth.audit_log_entries values (gen_random_uuid(), '{{"action": "login"}}');
"""
