-- Which rows are the last N by a column: {order, key} of the N-th row, counted from the highest value down, rows
-- without a value last; null where there are fewer. Settled once, so that a row whose value changes while pages are
-- read is neither lost nor doubled. request: {schema, table, key, order_by, last_rows}.
create or replace function public.supakeep_bound(request text)
returns json
language plpgsql stable security invoker
set search_path = pg_catalog
set timezone = 'UTC'
set datestyle = 'ISO'
set intervalstyle = 'postgres'
set bytea_output = 'hex'
set extra_float_digits = 3
set statement_timeout = '55s'
as $$
declare
  asked    jsonb := request;
  relation regclass := format('%I.%I', asked ->> 'schema', asked ->> 'table')::regclass;
  key      text[] := array(select jsonb_array_elements_text(asked -> 'key'));
  order_by text := asked ->> 'order_by';
  answer   json;
begin
  perform set_config('search_path', supakeep.search_path(relation, key || order_by), true);
  execute format(
    'select json_build_object(''order'', t.%1$I::text, ''key'', to_json(array[%2$s]::text[])) from %3$s t '
    'order by t.%1$I desc nulls last, %4$s offset %5$s limit 1',
    order_by,
    (select string_agg(format('t.%I::text', k), ', ' order by i) from unnest(key) with ordinality u(k, i)),
    supakeep.own_rows(relation),
    (select string_agg(format('t.%I desc', k), ', ' order by i) from unnest(key) with ordinality u(k, i)),
    (asked ->> 'last_rows')::bigint - 1)
  into answer;
  return answer;
end
$$;
