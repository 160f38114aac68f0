-- How many rows a table has now (under the same `since` as a page).
create or replace function public.supakeep_count(request text)
returns json
language plpgsql stable security invoker
set search_path = pg_catalog
set timezone = 'UTC'
set statement_timeout = '55s'
as $$
declare
  asked     jsonb := request;
  relation  regclass := format('%I.%I', asked ->> 'schema', asked ->> 'table')::regclass;
  condition text := 'true';
  answer    json;
begin
  if asked ->> 'since_column' is not null then
    condition := format('%I >= %L', asked ->> 'since_column', asked ->> 'since');
  end if;
  execute format('select json_build_object(''rows'', count(*)) from %s where %s', supakeep.own_rows(relation), condition) into answer;
  return answer;
end
$$;
