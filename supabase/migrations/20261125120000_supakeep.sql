-- What Supakeep's `rest` engine calls through the Data API. Generated from layers/shared/src/supakeep/databases/sql:
-- change it there, and run `python -m devstack.supabase.migrations --write`. Safe to run again, over any earlier version.
--
-- PostgREST's table endpoints can tell neither identity nor generated columns, cut pages silently,
-- and cannot OVERRIDE an identity or advance a sequence. These functions can, and they hand rows over
-- as the text that Postgres itself makes of them, so that no digit passes through a JSON number.
-- Each request is one JSON object in a parameter of type text, so that nothing between here and there
-- reads its numbers. They run with the caller's own rights (SECURITY INVOKER): they allow nothing that the caller
-- may not do anyway, and only service_role may call them. Those that only help are in a schema of their own, which the
-- Data API does not expose.
--
-- statement_timeout: PostgREST 12.2 and later apply a function's own to the whole request, in place of the role's
-- (8 s on a hosted project). The gateway in front of it gives up after 60 s.

create schema if not exists supakeep;
comment on schema supakeep is 'Supakeep''s own; the Data API must not expose it';

-- The search path under which columns compare as their types do.
create or replace function supakeep.search_path(relation regclass, columns text[])
returns text
language sql stable security invoker
set search_path = pg_catalog
as $$
with recursive keyed as (
  select distinct a.atttypid as type
    from pg_attribute a
   where a.attrelid = relation and a.attname = any (columns)),
-- Part of a query: the schemas, apart from pg_catalog, that hold the operators of the types in `keyed(type)`.
--
-- Keys compare as their types do. The operators of an extension's type, such as citext, stand in the extension's
-- schema: without it on the search path a citext would be compared as text, and ordered as citext. A domain compares
-- as the type below it, however many domains lie between.
unwrapped as (
  select k.type from keyed k
  union
  select t.typbasetype from unwrapped u join pg_type t on t.oid = u.type where t.typtype = 'd'),
operator_schemas as (
  select distinct n.nspname as name
    from unwrapped u
    join pg_amop o on o.amoplefttype = u.type
    join pg_operator p on p.oid = o.amopopr
    join pg_namespace n on n.oid = p.oprnamespace
   where n.nspname <> 'pg_catalog')
select 'pg_catalog' || coalesce(string_agg(', ' || quote_ident(name), '' order by name), '') from operator_schemas
$$;

-- Where a table's own rows are: an heir's rows are the heir's, a partition's those of the partitioned table.
create or replace function supakeep.own_rows(relation regclass)
returns text
language sql stable security invoker
set search_path = pg_catalog
as $$
  select case relkind when 'p' then '' else 'only ' end || relation::text from pg_class where oid = relation
$$;

-- A type as SQL spells it; for a domain, the type below it, however many domains lie between.
create or replace function supakeep.base_type(given oid)
returns text
language sql stable security invoker
set search_path = pg_catalog
as $$
  with recursive unwrapped as (
    select t.oid, t.typtype, t.typbasetype from pg_type t where t.oid = given
    union all
    select b.oid, b.typtype, b.typbasetype
      from unwrapped u join pg_type b on b.oid = u.typbasetype where u.typtype = 'd')
  -- -1: of any length, where a bare `bit` or `character` would have one of 1
  select format_type(oid, -1) from unwrapped where typtype <> 'd'
$$;

-- A key's values, given as a JSON array of texts, as SQL literals of the key's types. A domain's are of the type below
-- it: the domain's checks were made when the row was written, and may need the table owner's search path.
create or replace function supakeep.key_values(relation regclass, key text[], given jsonb)
returns text
language sql stable security invoker
set search_path = pg_catalog
as $$
  select string_agg(format('%L::%s', given ->> (i - 1)::int, supakeep.base_type(a.atttypid)), ', ' order by i)
    from unnest(key) with ordinality u(k, i)
    join pg_attribute a on a.attrelid = relation and a.attname = u.k
$$;

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
-- The catalog: one JSON object for each ordinary or partitioned table, never for a partition by itself.
--
-- row_to_json gives no exact text of some types: of composite types, and of arrays of json (where brackets may belong
-- to either), of composites or of domains (over an array, for example). An extension's type may have a cast to json
-- that says less than its text: PostGIS's loses digits, hstore's cannot be read back. Rows hold the text of these,
-- and of arrays in keys. Only the types that are in use are looked at, and each of them once: joined with every type,
-- the planner may take minutes.
with recursive used as materialized (
  select distinct a.atttypid as type
    from pg_attribute a join pg_class c on c.oid = a.attrelid
   where c.relkind in ('r', 'p') and c.oid >= 16384 and a.attnum > 0 and not a.attisdropped),
walk as (
  select u.type, t.oid, t.typtype, t.typbasetype from used u join pg_type t on t.oid = u.type
  union all
  select w.type, b.oid, b.typtype, b.typbasetype
    from walk w join pg_type b on b.oid = w.typbasetype where w.typtype = 'd'),
lossy as materialized (
  select castsource as oid from pg_cast where casttarget = 'json'::regtype and castsource >= 16384),
kinds as materialized (
  select w.type, w.oid as base, e.oid is not null as is_array,
         w.typtype = 'c' or w.oid in ('int2vector'::regtype, 'oidvector'::regtype)
           or w.oid in (select oid from lossy)
           or coalesce(e.typtype in ('c', 'd') or e.oid in ('json'::regtype, 'jsonb'::regtype)
                       or e.oid in (select oid from lossy), false) as is_text
    from walk w join pg_type b on b.oid = w.oid
    left join pg_type e on e.oid = b.typelem and b.typsubscript = 'array_subscript_handler'::regproc
   where w.typtype <> 'd'),
special as materialized (
  select a.attrelid,
         json_agg(a.attname order by a.attnum) filter (
           where k.is_text or k.is_array and exists (
             select from pg_index i
              where i.indrelid = a.attrelid and i.indisprimary
                and a.attnum = any((i.indkey::int2[])[0:i.indnkeyatts - 1]))) as texts,
         json_agg(a.attname order by a.attnum) filter (where k.is_array) as arrays,
         json_agg(a.attname order by a.attnum) filter (where k.base = 'json'::regtype) as jsons,
         json_agg(a.attname order by a.attnum) filter (where k.base = 'jsonb'::regtype) as jsonbs
    from pg_attribute a join kinds k on k.type = a.atttypid
   where a.attrelid >= 16384 and a.attnum > 0 and not a.attisdropped
     and (k.is_text or k.is_array or k.base in ('json'::regtype, 'jsonb'::regtype))
   group by a.attrelid)
select json_build_object(
  'schema_name', n.nspname,
  'name', c.relname,
  'readable', has_schema_privilege(n.oid, 'usage') and has_table_privilege(c.oid, 'select'),
  'writable', has_schema_privilege(n.oid, 'usage') and has_table_privilege(c.oid, 'insert')
              and has_table_privilege(c.oid, 'update'),
  -- raises for a role without any right on the table, hence the guard
  'rows_hidden', case when has_schema_privilege(n.oid, 'usage') and has_table_privilege(c.oid, 'select')
                      then row_security_active(c.oid) else false end,
  'partitioned', c.relkind = 'p',
  'text_columns', coalesce(s.texts, '[]'),
  'array_columns', coalesce(s.arrays, '[]'),
  'json_columns', coalesce(s.jsons, '[]'),
  'jsonb_columns', coalesce(s.jsonbs, '[]'),
  'columns', coalesce((
    select json_agg(json_build_object(
             'name', a.attname,
             'type', format_type(a.atttypid, a.atttypmod),
             'nullable', not a.attnotnull or exists (
               select from pg_constraint n
                where n.conrelid = c.oid and n.contype = 'n' and n.conkey = array[a.attnum]
                  and not n.convalidated),
             'identity', case a.attidentity when 'a' then 'always' when 'd' then 'by default' end,
             'generated', a.attgenerated <> '') order by a.attnum)
      from pg_attribute a
     where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped), '[]'),
  'primary_key', coalesce((
    select json_agg(a.attname order by k.position)
      from pg_index i
     cross join lateral unnest(i.indkey::int2[]) with ordinality as k(attnum, position)
      join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum
     -- a deferrable key cannot tell which row an upsert means; INCLUDE's columns are not in the key
     where i.indrelid = c.oid and i.indisprimary and i.indimmediate and k.position <= i.indnkeyatts), '[]'),
  'foreign_keys', coalesce((
    select json_agg(json_build_object(
             'name', f.conname,
             'columns', (select json_agg(a.attname order by k.i)
                           from unnest(f.conkey) with ordinality k(attnum, i)
                           join pg_attribute a on a.attrelid = f.conrelid and a.attnum = k.attnum),
             'validated', f.convalidated and to_jsonb(f) ->> 'conperiod' is distinct from 'true',
             'parent', rn.nspname || '.' || rc.relname,
             'parent_schema', rn.nspname,
             'parent_name', rc.relname,
             'parent_columns', (select json_agg(a.attname order by k.i)
                           from unnest(f.confkey) with ordinality k(attnum, i)
                           join pg_attribute a on a.attrelid = f.confrelid and a.attnum = k.attnum)
           ) order by f.conname)
      from pg_constraint f
      join pg_class rc on rc.oid = f.confrelid
      join pg_namespace rn on rn.oid = rc.relnamespace
     where f.conrelid = c.oid and f.contype = 'f' and f.conparentid = 0), '[]')
) as described
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
left join special s on s.attrelid = c.oid
where c.relkind in ('r', 'p')
  and not c.relispartition
  and c.relpersistence <> 't'
  and n.nspname <> 'information_schema'
  and n.nspname not like 'pg\_%'
  and not exists (select from pg_depend d
                   where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
) t
$$;

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
set statement_timeout = '55s'
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
  as_text  text[] := array(select jsonb_array_elements_text(asked -> 'text_columns'));
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
  there    bigint;
  answer   json;
begin
  perform set_config('search_path', supakeep.search_path(relation, key), true);
  if (asked ->> 'dry_run')::boolean then
    execute format($compare$
      select json_build_object(
        'inserted', count(*) filter (where t.%1$I is null),
        'updated', count(*) filter (where t.%1$I is not null and %2$s),
        'unchanged', count(*) filter (where t.%1$I is not null and not (%2$s)))
      from json_populate_recordset(null::%3$s, $1) excluded left join %5$s t on %4$s
      $compare$,
      key[1], differs, relation, same_key, supakeep.own_rows(relation))
    into answer using (asked ->> 'rows')::json;
  else
    execute format($upsert$
      with incoming as materialized (select * from json_populate_recordset(null::%1$s, $1)),
      -- counted rather than told by xmax, which a partitioned table does not return
      present as (select count(*) as n from incoming excluded join %7$s t on %5$s),
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
      incoming,
      supakeep.own_rows(relation))
    into answer using (asked ->> 'rows')::json;
    execute format(
      'select count(*) from json_populate_recordset(null::%1$s, $1) excluded join %2$s t on %3$s',
      relation, supakeep.own_rows(relation), same_key)
    into there using (asked ->> 'rows')::json;
    if there < json_array_length((asked ->> 'rows')::json) then
      -- undoes the batch, so that the caller finds out which rows these are
      -- of class 22, which every server answers with its own code
      raise data_exception using message = 'a trigger of the table discarded the row';
    end if;
  end if;
  return answer;
end
$$;

-- Moves the sequences that a table's columns draw from past its highest values, so that the next insert after a
-- restore does not collide. A sequence is never moved back; one that counts down is moved further down.
create or replace function public.supakeep_advance_sequences(request text)
returns json
language plpgsql volatile security invoker
set search_path = pg_catalog
set statement_timeout = '55s'
as $$
declare
  asked    jsonb := request;
  owner    regclass := format('%I.%I', asked ->> 'schema', asked ->> 'table')::regclass;
  used     record;
  furthest bigint;
  behind   boolean;
  advanced text[] := '{}';
begin
  for used in
    with owners as (select owner as relation),
-- Part of a query: the sequences that the columns of the tables in `owners(relation)` draw from: an identity's or a
-- serial column's own, and those that a default names.
sequences as (
  select distinct a.attname as column_name, c.oid::regclass as relation,
         format('%I.%I', n.nspname, c.relname) as name, s.seqincrement, s.seqmin, s.seqmax
    from owners
    join pg_attribute a on a.attrelid = owners.relation
    join pg_type t on t.oid = a.atttypid
    left join pg_attrdef f on f.adrelid = a.attrelid and f.adnum = a.attnum
    join pg_depend d
      on d.refclassid = 'pg_class'::regclass and d.refobjid = a.attrelid
         and d.refobjsubid = a.attnum and d.classid = 'pg_class'::regclass and d.deptype in ('a', 'i')
      or d.classid = 'pg_attrdef'::regclass and d.objid = f.oid
         and d.refclassid = 'pg_class'::regclass and d.deptype = 'n'
    join pg_sequence s on s.seqrelid = case d.classid when 'pg_class'::regclass then d.objid else d.refobjid end
    join pg_class c on c.oid = s.seqrelid
    join pg_namespace n on n.oid = c.relnamespace
   where a.attnum > 0 and not a.attisdropped
     and coalesce(nullif(t.typbasetype, 0), t.oid) in ('int2'::regtype, 'int4'::regtype, 'int8'::regtype))
    select column_name, relation as sequence_name, seqincrement > 0 as upwards from sequences
  loop
    execute format('select %s(%I) from %s', case when used.upwards then 'max' else 'min' end, used.column_name, owner)
      into furthest;
    execute format('select $1 %s last_value or ($1 = last_value and not is_called) from %s',
                   case when used.upwards then '>' else '<' end, used.sequence_name)
      into behind using furthest;
    if behind then
      perform setval(used.sequence_name, furthest, true);
      advanced := advanced || used.sequence_name::text;
    end if;
  end loop;
  return json_build_object('advanced', to_json(advanced));
end
$$;

-- Earlier versions had these in public.
drop function if exists public.supakeep_search_path(regclass, text[]);
drop function if exists public.supakeep_text_columns(regclass);
drop function if exists public.supakeep_own_rows(regclass);
drop function if exists public.supakeep_key_values(regclass, text[], jsonb);

revoke all on schema supakeep from public, anon, authenticated;
grant usage on schema supakeep to service_role;
revoke execute on all functions in schema supakeep from public, anon, authenticated;
grant execute on all functions in schema supakeep to service_role;
revoke execute on function public.supakeep_catalog(), public.supakeep_bound(text), public.supakeep_page(text), public.supakeep_count(text), public.supakeep_upsert(text), public.supakeep_advance_sequences(text) from public, anon, authenticated;
grant execute on function public.supakeep_catalog(), public.supakeep_bound(text), public.supakeep_page(text), public.supakeep_count(text), public.supakeep_upsert(text), public.supakeep_advance_sequences(text) to service_role;
-- PostgREST caches which functions exist.
notify pgrst, 'reload schema';
