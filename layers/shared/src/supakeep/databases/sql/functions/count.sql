-- How many rows a table has now, or its window as of supakeep.condition.
create or replace function public.supakeep_count(request text)
returns json
language plpgsql stable security invoker
set search_path = pg_catalog
set timezone = 'UTC'
set datestyle = 'ISO'
set intervalstyle = 'postgres'
set lock_timeout = '10s'
set statement_timeout = '55s'
as $$
declare
  asked  jsonb := request;
  answer json;
begin
  perform supakeep.hold(supakeep.relation(asked));
  perform set_config('search_path', supakeep.search_path(
    supakeep.relation(asked), supakeep.names(asked -> 'key') || (asked ->> 'order_by')), true);
  execute format('select json_build_object(''rows'', count(*)) from %s t where %s',
                 supakeep.own_rows(supakeep.relation(asked)), supakeep.condition(asked)) into answer;
  return answer;
end
$$;
