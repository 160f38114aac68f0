-- What there is to back up: {functions_version, server_version, tables: one object a table, as tables.sql has it}.
create or replace function public.supakeep_catalog()
returns json
language sql stable security invoker
set search_path = pg_catalog
set statement_timeout = '55s'
as $$
select json_build_object(
  'functions_version', 3,
  'server_version', current_setting('server_version'),
  'tables', coalesce(json_agg(t.described), '[]'))
from (
-- include tables.sql
) t
$$;
