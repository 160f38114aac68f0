-- One page of a table, in the order of its key. request: {schema, table, key: [column…], limit, max_bytes, the columns
-- of supakeep.line, the limits of supakeep.slice, the window of supakeep.condition}. Answers {rows: the rows' JSON
-- texts, a comma and a line break between them, count, after: the last row's key, end: whether there are no more,
-- columns: those of the table, excluded: which of them the rows do not have (exclude_columns), files: where they stand,
-- moment: the oldest transaction that was not over}.
--
-- Rows are taken one by one until the next one would be more than max_bytes (a single row may be), so that the server
-- holds no more than a page of them, whatever their width.
create or replace function public.supakeep_page(request text)
returns json
language plpgsql stable security invoker
set search_path = pg_catalog
set timezone = 'UTC'
set datestyle = 'ISO'
set intervalstyle = 'postgres'
set bytea_output = 'hex'
set extra_float_digits = 3
set cursor_tuple_fraction = 1
set lock_timeout = '10s'
set statement_timeout = '20s'
as $$
declare
  asked  jsonb := request;
  rows   refcursor;
  line   text;
  key    text[];
  lines  text[] := '{}';
  bytes  bigint := 0;
  after  text[];
  is_end boolean := false;
begin
  perform supakeep.hold(supakeep.relation(asked));
  perform set_config('search_path', supakeep.search_path(
    supakeep.relation(asked), supakeep.names(asked -> 'key') || (asked ->> 'order_by')), true);
  open rows for execute supakeep.page_query(asked);
  loop
    fetch rows into line, key;
    is_end := not found and cardinality(lines) < (asked ->> 'limit')::bigint;
    bytes := bytes + octet_length(line);
    exit when not found or bytes > (asked ->> 'max_bytes')::bigint and after is not null;
    lines := lines || line;
    after := key;
  end loop;
  close rows;
  return json_build_object('rows', array_to_string(lines, E',\n'), 'count', cardinality(lines), 'after', after,
                           'end', is_end, 'columns', supakeep.columns(supakeep.relation(asked)),
                           'excluded', asked -> 'exclude_columns',
                           'files', supakeep.files(supakeep.relation(asked)),
                           'moment', pg_snapshot_xmin(pg_current_snapshot())::text);
end
$$;
