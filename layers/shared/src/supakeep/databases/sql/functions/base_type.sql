-- A type as SQL spells it; for a domain, the type below it, however many domains lie between.
create or replace function supakeep.base_type(given oid)
returns text
language sql stable security invoker
set search_path = pg_catalog
as $$
  with recursive unwrapped as (
    select t.oid, t.typtype, t.typbasetype from pg_type t where t.oid = given
    union all
    select b.oid, b.typtype, b.typbasetype
      from unwrapped u join pg_type b on b.oid = u.typbasetype where u.typtype = 'd')
  -- -1: of any length, where a bare `bit` or `character` would have one of 1
  select format_type(oid, -1) from unwrapped where typtype <> 'd'
$$;
