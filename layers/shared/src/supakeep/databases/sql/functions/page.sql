-- One page of a table, in the order of its key. request: {schema, table, key: [column…], limit, max_bytes, after,
-- order_by?, bound?, since_column?, since?}; `after` is what the page before answered, null for the first; `bound` is
-- supakeep_bound's answer. Answers {rows: the rows' JSON texts, a comma and a line break between them, count, after};
-- a count of 0 is the end.
create or replace function public.supakeep_page(request text)
returns json
language plpgsql stable security invoker
set search_path = pg_catalog
set timezone = 'UTC'
set datestyle = 'ISO'
set intervalstyle = 'postgres'
set bytea_output = 'hex'
set extra_float_digits = 3
set statement_timeout = '20s'
as $$
declare
  asked     jsonb := request;
  relation  regclass := format('%I.%I', asked ->> 'schema', asked ->> 'table')::regclass;
  key       text[] := array(select jsonb_array_elements_text(asked -> 'key'));
  order_by  text := asked ->> 'order_by';
  bound     jsonb := nullif(asked -> 'bound', 'null');
  key_list  text := (select string_agg(format('t.%I', k), ', ' order by i) from unnest(key) with ordinality u(k, i));
  as_text   text[] := array(select jsonb_array_elements_text(asked -> 'text_columns'));
  line      text := 'row_to_json(t.*)';
  condition text := 'true';
  source    text;
  page      text;
  lines     text;
  kept      bigint;
  bytes     bigint;
  after     json;
begin
  perform set_config('search_path', supakeep.search_path(relation, key || order_by), true);
  if cardinality(as_text) > 0 then
    line := (select format('(select row_to_json(r.*) from (select %s) r)', string_agg(
                      format(case when a.attname = any (as_text) then 't.%1$I::text as %1$I' else 't.%1$I' end, a.attname),
                      ', ' order by a.attnum))
               from pg_attribute a
              where a.attrelid = relation and a.attnum > 0 and not a.attisdropped);
  end if;
  if asked ->> 'since_column' is not null then
    condition := format('t.%I >= %L', asked ->> 'since_column', asked ->> 'since');
  end if;
  if nullif(asked -> 'after', 'null') is not null then
    condition := condition || format(' and (%s) > (%s)', key_list, supakeep.key_values(relation, key, asked -> 'after'));
  end if;
  if bound is not null then
    condition := condition || format(
      case when bound ->> 'order' is null then ' and (t.%1$I is not null or (%3$s) >= (%4$s))'
           else ' and (t.%1$I > %2$L or (t.%1$I = %2$L and (%3$s) >= (%4$s)))' end,
      order_by, bound ->> 'order', key_list, supakeep.key_values(relation, key, bound -> 'key'));
  end if;
  -- a column of type json may hold line breaks between its tokens, never inside one
  line := format($line$replace(replace(%s::text, E'\n', ' '), E'\r', ' ')$line$, line);
  source := format('from %s t where %s order by %s', supakeep.own_rows(relation), condition, key_list);
  page := format($page$select string_agg(line, E',\n'), count(*), sum(octet_length(line))
                        from (select %s as line %s limit $1) rows$page$, line, source);
  execute page into lines, kept, bytes using (asked ->> 'limit')::int;
  -- as many rows as were asked for nearly always fit; where they do not, as many as do
  if bytes > (asked ->> 'max_bytes')::bigint then
    execute format('select count(*) from (
                      select row_number() over (order by n) as n, sum(octet_length(line)) over (order by n) as bytes
                        from (select row_number() over (order by %s) as n, %s as line %s limit $1) numbered) sized
                     where n = 1 or bytes <= $2', key_list, line, source)
       into kept using (asked ->> 'limit')::int, (asked ->> 'max_bytes')::bigint;
    execute page into lines, kept, bytes using kept;
  end if;
  if kept > 0 then
    execute format('select to_json(array[%s]::text[]) %s offset $1 limit 1',
                   (select string_agg(format('t.%I::text', k), ', ' order by i) from unnest(key) with ordinality u(k, i)),
                   source)
       into after using kept - 1;
  end if;
  return json_build_object('rows', coalesce(lines, ''), 'count', kept, 'after', after);
end
$$;
