-- What Supakeep's `rest` engine calls through the Data API.
--
-- PostgREST's table endpoints can tell neither identity nor generated columns, cut pages silently,
-- and cannot OVERRIDE an identity or advance a sequence. These functions can, and they hand rows over
-- as the text that Postgres itself makes of them, so that no digit passes through a JSON number.
-- Each request is one JSON object in a parameter of type text, so that nothing between here and there
-- reads its numbers. They run with the caller's own rights (SECURITY INVOKER): they allow nothing that the caller may not
-- do anyway, and only service_role may call them.

create or replace function public.supakeep_catalog()
returns json
language sql stable security invoker
set search_path = pg_catalog
as $$
  select json_build_object(
    'functions_version', 2,
    'server_version', current_setting('server_version'),
    'tables', coalesce((
      select json_agg(json_build_object(
        'schema', n.nspname,
        'name', c.relname,
        'readable', has_schema_privilege(n.oid, 'usage') and has_table_privilege(c.oid, 'select'),
        -- raises for a caller without any right on the table, hence the guard
        'rows_hidden', case when has_schema_privilege(n.oid, 'usage') and has_table_privilege(c.oid, 'select')
                            then row_security_active(c.oid) else false end,
        'columns', (
          select json_agg(json_build_object(
              'name', a.attname,
              'type', format_type(a.atttypid, a.atttypmod),
              'nullable', not a.attnotnull,
              'identity', case a.attidentity when 'a' then 'always' when 'd' then 'by default' end,
              'generated', a.attgenerated <> '') order by a.attnum)
            from pg_attribute a
           where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped),
        'primary_key', coalesce((
          select json_agg(a.attname order by k.position)
            from pg_index i
            cross join lateral unnest(i.indkey::int2[]) with ordinality as k(attnum, position)
            join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum
           where i.indrelid = c.oid and i.indisprimary), '[]'),
        'references', coalesce((
          select json_agg(distinct rn.nspname || '.' || rc.relname)
            from pg_constraint f
            join pg_class rc on rc.oid = f.confrelid
            join pg_namespace rn on rn.oid = rc.relnamespace
           where f.conrelid = c.oid and f.contype = 'f'), '[]')
      ) order by n.nspname, c.relname)
      from pg_class c
      join pg_namespace n on n.oid = c.relnamespace
     where c.relkind in ('r', 'p')
       and not c.relispartition
       and n.nspname <> 'information_schema'
       and n.nspname not like 'pg\_%'
       and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
    ), '[]'));
$$;

-- The search path under which columns compare as their types do. The operators of an extension's type (citext's,
-- say) stand in the extension's schema; without it a key would be compared as text and ordered as citext.
create or replace function public.supakeep_search_path(relation regclass, columns text[])
returns text
language sql stable security invoker
set search_path = pg_catalog
as $$
  select 'pg_catalog' || coalesce(string_agg(distinct ', ' || quote_ident(n.nspname), ''), '')
    from pg_attribute a
    join pg_type t on t.oid = a.atttypid
    join pg_type base on base.oid = case when t.typtype = 'd' then t.typbasetype else t.oid end
    join pg_namespace n on n.oid = base.typnamespace
   where a.attrelid = relation and a.attname = any (columns)
     and base.typtype = 'b' and n.nspname <> 'pg_catalog';
$$;

-- Columns of an extension's type that has a cast to json of its own: PostGIS's loses digits, hstore's cannot be read
-- back. The type's text is exact, so that is what a row holds of them.
create or replace function public.supakeep_text_columns(relation regclass)
returns text[]
language sql stable security invoker
set search_path = pg_catalog
as $$
  select array(
    select a.attname::text
      from pg_attribute a
      join pg_type t on t.oid = a.atttypid
      join pg_cast c on c.castsource = case when t.typtype = 'd' then t.typbasetype else t.oid end
     where a.attrelid = relation and a.attnum > 0 and not a.attisdropped
       and c.casttarget = 'json'::regtype and c.castsource >= 16384);
$$;

-- One page of a table. request: {schema, table, key: [column…], limit, max_bytes, after, after_order,
-- order_by?, since_column?, since?}; `after` and `after_order` are what the page before answered, null for the
-- first. Pages follow the key; with order_by they run from its highest value down. Answers {rows: the rows'
-- JSON texts, a comma and a line break between them, count, after, after_order}; a count of 0 is the end.
create or replace function public.supakeep_page(request text)
returns json
language plpgsql stable security invoker
set search_path = pg_catalog
set timezone = 'UTC'
set datestyle = 'ISO'
set intervalstyle = 'postgres'
set bytea_output = 'hex'
set extra_float_digits = 3
as $$
declare
  asked     jsonb := request;
  relation  regclass := format('%I.%I', asked ->> 'schema', asked ->> 'table')::regclass;
  key       text[] := array(select jsonb_array_elements_text(asked -> 'key'));
  order_by  text := asked ->> 'order_by';
  after_key text[] := array(select jsonb_array_elements_text(nullif(asked -> 'after', 'null')));
  after_at  text := asked ->> 'after_order';
  first     boolean := nullif(asked -> 'after', 'null') is null;
  key_list  text := (select string_agg(format('t.%I', k), ', ' order by i) from unnest(key) with ordinality u(k, i));
  as_text   text[] := public.supakeep_text_columns(relation);
  line      text := 'row_to_json(t.*)';
  key_after text;
  condition text := 'true';
  ordering  text;
  answer    json;
begin
  perform set_config('search_path', public.supakeep_search_path(relation, key || order_by), true);
  key_after := (select string_agg(format('%L::%s', v, format_type(a.atttypid, a.atttypmod)), ', ' order by i)
                  from unnest(key, after_key) with ordinality u(k, v, i)
                  join pg_attribute a on a.attrelid = relation and a.attname = u.k);
  if cardinality(as_text) > 0 then
    line := (select format('row_to_json((select r from (select %s) r))', string_agg(
                      format(case when a.attname = any (as_text) then 't.%1$I::text as %1$I' else 't.%1$I' end, a.attname),
                      ', ' order by a.attnum))
               from pg_attribute a
              where a.attrelid = relation and a.attnum > 0 and not a.attisdropped);
  end if;
  if asked ->> 'since_column' is not null then
    condition := format('t.%I >= %L', asked ->> 'since_column', asked ->> 'since');
  end if;
  if order_by is null then
    ordering := key_list;
    if not first then
      condition := condition || format(' and (%s) > (%s)', key_list, key_after);
    end if;
  else
    -- newest first; rows without a value in the ordering column come last
    ordering := format('t.%I desc nulls last, ', order_by)
      || (select string_agg(format('t.%I desc', k), ', ' order by i) from unnest(key) with ordinality u(k, i));
    if not first and after_at is null then
      condition := condition || format(' and t.%I is null and (%s) < (%s)', order_by, key_list, key_after);
    elsif not first then
      condition := condition || format(
        ' and (t.%1$I is null or (t.%1$I <= %2$L and (t.%1$I < %2$L or (%3$s) < (%4$s))))',
        order_by, after_at, key_list, key_after);
    end if;
  end if;
  execute format($page$
    with page as (
      select row_number() over (order by %1$s) as n,
             -- a column of type json may hold line breaks between its tokens, never inside one
             translate(%8$s::text, E'\n\r', '  ') as line,
             array[%2$s]::text[] as key,
             %3$s::text as order_value
        from %4$s t where %5$s order by %1$s limit %6$s),
    sized as (select page.*, sum(octet_length(line)) over (order by n) as bytes from page),
    kept as (select * from sized where n = 1 or bytes <= %7$s)
    select json_build_object(
      'rows', coalesce(string_agg(line, E',\n' order by n), ''),
      'count', count(*),
      'after', (select to_json(key) from kept order by n desc limit 1),
      'after_order', (select order_value from kept order by n desc limit 1))
    from kept
    $page$,
    ordering,
    (select string_agg(format('t.%I::text', k), ', ' order by i) from unnest(key) with ordinality u(k, i)),
    case when order_by is null then 'null' else format('t.%I', order_by) end,
    relation, condition, (asked ->> 'limit')::int, (asked ->> 'max_bytes')::bigint, line)
  into answer;
  return answer;
end
$$;

-- How many rows a table has now (under the same `since` as a page).
create or replace function public.supakeep_count(request text)
returns json
language plpgsql stable security invoker
set search_path = pg_catalog
set timezone = 'UTC'
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
  execute format('select json_build_object(''rows'', count(*)) from %s where %s', relation, condition) into answer;
  return answer;
end
$$;

-- Upserts the rows of one batch; request: {schema, table, key, columns, rows: text of a JSON array, dry_run}.
-- Rows that are the same already are left alone: no dead tuples, and no trigger fires for them.
create or replace function public.supakeep_upsert(request text)
returns json
language plpgsql volatile security invoker
set search_path = pg_catalog
set timezone = 'UTC'
set datestyle = 'ISO'
set intervalstyle = 'postgres'
set extra_float_digits = 3
as $$
declare
  asked    jsonb := request;
  relation regclass := format('%I.%I', asked ->> 'schema', asked ->> 'table')::regclass;
  key      text[] := array(select jsonb_array_elements_text(asked -> 'key'));
  columns  text[] := array(select jsonb_array_elements_text(asked -> 'columns'));
  settable text[] := array(
    select c from unnest(columns) c
      join pg_attribute a on a.attrelid = relation and a.attname = c
     where c <> all (key) and a.attidentity <> 'a');
  -- compared as JSON text, because a column of type json has no equality operator
  as_text  text[] := public.supakeep_text_columns(relation);
  differs  text := coalesce((
    select format('row_to_json(row(%s))::text is distinct from row_to_json(row(%s))::text',
                  string_agg(format(case when c = any (as_text) then 't.%I::text' else 't.%I' end, c), ', ' order by i),
                  string_agg(format(case when c = any (as_text) then 'excluded.%I::text' else 'excluded.%I' end, c), ', ' order by i))
      from unnest(settable) with ordinality u(c, i)
    having count(*) > 0), 'false');
  same_key text := (select string_agg(format('t.%1$I = excluded.%1$I', k), ' and ') from unnest(key) k);
  -- where a column must have a value, null in a row can only be JSON's own
  incoming text := (
    select string_agg(case when a.attnotnull and a.atttypid in ('json'::regtype, 'jsonb'::regtype)
                           then format('coalesce(%I, ''null'')', c) else quote_ident(c) end, ', ' order by i)
      from unnest(columns) with ordinality u(c, i)
      join pg_attribute a on a.attrelid = relation and a.attname = c);
  answer   json;
begin
  perform set_config('search_path', public.supakeep_search_path(relation, key), true);
  if (asked ->> 'dry_run')::boolean then
    execute format($compare$
      select json_build_object(
        'inserted', count(*) filter (where t.%1$I is null),
        'updated', count(*) filter (where t.%1$I is not null and %2$s),
        'unchanged', count(*) filter (where t.%1$I is not null and not (%2$s)))
      from json_populate_recordset(null::%3$s, $1) excluded left join %3$s t on %4$s
      $compare$,
      key[1], differs, relation,
      same_key)
    into answer using (asked ->> 'rows')::json;
  else
    execute format($upsert$
      with incoming as materialized (select * from json_populate_recordset(null::%1$s, $1)),
      -- counted rather than told by xmax, which a partitioned table does not return
      present as (select count(*) as n from incoming excluded join %1$s t on %5$s),
      written as (
        insert into %1$s as t (%2$s) overriding system value
        select %6$s from incoming
        on conflict (%3$s) do %4$s
        returning 1)
      select json_build_object(
        'inserted', json_array_length($1) - present.n,
        'updated', w.n - (json_array_length($1) - present.n),
        'unchanged', json_array_length($1) - w.n)
        from present, (select count(*) as n from written) w
      $upsert$,
      relation,
      (select string_agg(quote_ident(c), ', ' order by i) from unnest(columns) with ordinality u(c, i)),
      (select string_agg(quote_ident(k), ', ' order by i) from unnest(key) with ordinality u(k, i)),
      coalesce((select format('update set %s where %s', string_agg(format('%1$I = excluded.%1$I', c), ', '), differs)
                  from unnest(settable) c having count(*) > 0), 'nothing'),
      same_key,
      incoming)
    into answer using (asked ->> 'rows')::json;
  end if;
  return answer;
end
$$;

-- Moves a table's sequences past its highest values, so that the next insert after a restore does not
-- collide. A sequence is never moved back.
create or replace function public.supakeep_advance_sequences(request text)
returns json
language plpgsql volatile security invoker
set search_path = pg_catalog
as $$
declare
  asked    jsonb := request;
  relation regclass := format('%I.%I', asked ->> 'schema', asked ->> 'table')::regclass;
  owned    record;
  highest  bigint;
  behind   boolean;
  advanced text[] := '{}';
begin
  for owned in
    select a.attname as column_name, pg_get_serial_sequence(relation::text, a.attname) as sequence_name
      from pg_attribute a
     where a.attrelid = relation and a.attnum > 0 and not a.attisdropped
       and pg_get_serial_sequence(relation::text, a.attname) is not null
  loop
    execute format('select max(%I) from %s', owned.column_name, relation) into highest;
    execute format('select $1 > last_value or ($1 = last_value and not is_called) from %s', owned.sequence_name)
      into behind using highest;
    if behind then
      perform setval(owned.sequence_name::regclass, highest, true);
      advanced := advanced || owned.sequence_name;
    end if;
  end loop;
  return json_build_object('advanced', to_json(advanced));
end
$$;

revoke execute on function
  public.supakeep_search_path(regclass, text[]), public.supakeep_text_columns(regclass),
  public.supakeep_catalog(), public.supakeep_page(text), public.supakeep_count(text),
  public.supakeep_upsert(text), public.supakeep_advance_sequences(text)
  from public, anon, authenticated;
grant execute on function
  public.supakeep_search_path(regclass, text[]), public.supakeep_text_columns(regclass),
  public.supakeep_catalog(), public.supakeep_page(text), public.supakeep_count(text),
  public.supakeep_upsert(text), public.supakeep_advance_sequences(text)
  to service_role;
-- PostgREST caches which functions exist.
notify pgrst, 'reload schema';
