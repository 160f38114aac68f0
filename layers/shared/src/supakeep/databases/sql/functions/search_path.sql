-- The search path under which columns compare as their types do.
create or replace function supakeep.search_path(relation regclass, columns text[])
returns text
language sql stable security invoker
set search_path = pg_catalog
as $$
with recursive keyed as (
  select distinct a.atttypid as type
    from pg_attribute a
   where a.attrelid = relation and a.attname = any (columns)),
-- include operator_schemas.sql
select 'pg_catalog' || coalesce(string_agg(', ' || quote_ident(name), '' order by name), '') from operator_schemas
$$;
