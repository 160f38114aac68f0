-- What there is to back up, and what is not: {functions_version, server_version, schemas: all that exist, tables: one
-- object a table, as tables.sql has it, left_out: one object a relation, as left_out.sql has it}.
create or replace function public.supakeep_catalog()
returns json
language sql stable security invoker
set search_path = pg_catalog
set statement_timeout = '55s'
as $$
select json_build_object(
  'functions_version', 4,
  'server_version', current_setting('server_version'),
  'schemas', (select json_agg(nspname) from pg_namespace),
  'tables', (select coalesce(json_agg(t.described), '[]') from (
-- include tables.sql
  ) t),
  'left_out', (select coalesce(json_agg(l), '[]') from (
-- include left_out.sql
  ) l))
$$;
