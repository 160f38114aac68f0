-- Sets the search path under which the keys of all tables compare as their types do.
with recursive keyed as (
  select distinct a.atttypid as type
    from pg_index i
    join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any(i.indkey)
   where i.indisunique and a.atttypid >= 16384),
-- include operator_schemas.sql
select set_config('search_path', 'pg_catalog' || coalesce(string_agg(', ' || quote_ident(name), '' order by name), ''), false)
  from operator_schemas
