-- Settles which rows the window of a table holds, and cuts them into slices of the key's order, so that a page neither
-- walks past the rows that the window leaves out nor moves when a row's value changes. request: {schema, table, key,
-- slice_rows?, order_by and last_rows, or since_column and since}. Answers
--   bound:  for the last N rows by a column, {order, key} of the N-th one, counted from the highest value down, rows
--           without a value last; null where there are fewer;
--   cuts:   the key of the first row of each slice; null without slice_rows;
--   files:  where the table's rows stand;
--   moment: the oldest transaction that was not over.
create or replace function public.supakeep_window(request text)
returns json
language plpgsql stable security invoker
set search_path = pg_catalog
set timezone = 'UTC'
set datestyle = 'ISO'
set intervalstyle = 'postgres'
set bytea_output = 'hex'
set extra_float_digits = 3
set lock_timeout = '10s'
set statement_timeout = '55s'
as $$
declare
  asked  jsonb := request;
  bound  jsonb;
  cuts   json;
  valued bigint := 0;
begin
  perform supakeep.hold(supakeep.relation(asked));
  perform set_config('search_path', supakeep.search_path(
    supakeep.relation(asked), supakeep.names(asked -> 'key') || (asked ->> 'order_by')), true);
  if asked ->> 'last_rows' is not null then
    execute supakeep.bound_query(asked, 'is not null') into bound using (asked ->> 'last_rows')::bigint;
    if bound is null then
      execute format('select count(*) from %s t where t.%I is not null',
                     supakeep.own_rows(supakeep.relation(asked)), asked ->> 'order_by') into valued;
      execute supakeep.bound_query(asked, 'is null') into bound using (asked ->> 'last_rows')::bigint - valued;
    end if;
    asked := asked || jsonb_build_object('bound', bound);
  end if;
  if asked ->> 'slice_rows' is not null then
    execute supakeep.cuts_query(asked) into cuts using (asked ->> 'slice_rows')::bigint;
  end if;
  return json_build_object('bound', bound, 'cuts', cuts, 'files', supakeep.files(supakeep.relation(asked)),
                           'moment', pg_snapshot_xmin(pg_current_snapshot())::text);
end
$$;
