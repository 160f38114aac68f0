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

-- The rows of a JSON array as rows of a table, read as the backup wrote them. Checks of domains run here, and therefore
-- all other settings are the caller's.
create or replace function supakeep.given_rows(shape anyelement, given json)
returns setof anyelement
language sql stable security invoker
set intervalstyle = 'postgres'
set xmloption = 'content'
as $$ select * from pg_catalog.json_populate_recordset(shape, given) $$;

-- What the member without a name says of each row of a JSON array.
create or replace function supakeep.marks(given json)
returns table (place bigint, line json, nulls jsonb, texts jsonb)
language sql stable security invoker
set search_path = pg_catalog
as $$
  select place, line,
         case json_typeof(line -> '') when 'array' then line -> '' else line -> '' -> 'null' end::jsonb,
         (line -> '' -> 'text')::jsonb
    from json_array_elements(given) with ordinality as row(line, place)
$$;

-- A query: the values of `columns` in the rows ($1) that are meant ($2), each row with its position.
--
-- A row's member without a name lists the columns that hold JSON's null, and those whose value is given as text.
-- Without it, null in a column that must have a value can only be JSON's own.
create or replace function supakeep.given_values(relation regclass, columns text[])
returns text
language sql stable security invoker
set search_path = pg_catalog
as $$
  with described as (
    select a.attnum, a.attname, a.attnotnull, a.attname = any (columns) as wanted,
           format_type(a.atttypid, a.atttypmod) as type, supakeep.base_type(a.atttypid) in ('json', 'jsonb') as is_json
      from pg_attribute a
     where a.attrelid = relation and a.attnum > 0 and not a.attisdropped)
  select format(
    'select e."supakeep: position", %s from supakeep.given_rows(null::%s, $1) with ordinality as e(%s, "supakeep: position")%s'
    ' where $2 is null or e."supakeep: position" operator(pg_catalog.=) any ($2)',
    string_agg(case when is_json then format($json$
      case when marks.texts operator(pg_catalog.?) %1$L then (marks.line operator(pg_catalog.->>) %1$L)::%2$s
           when marks.nulls operator(pg_catalog.?) %1$L or (%3$L and e.%4$I is null) then 'null'::%2$s
           else e.%4$I end as %4$I$json$, attname, type, attnotnull, attname)
      else format('e.%I', attname) end, ', ' order by attnum) filter (where wanted),
    (select format('%I.%I', n.nspname, c.relname) from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = relation),
    string_agg(quote_ident(attname), ', ' order by attnum),
    case when bool_or(is_json and wanted) then
      ' join supakeep.marks($1) marks on marks.place operator(pg_catalog.=) e."supakeep: position"' end)
    from described
$$;

-- Whether a row `given` is the table's row `t`, as the index of the primary key compares.
create or replace function supakeep.same_key(relation regclass)
returns text
language sql stable security invoker
set search_path = pg_catalog
as $$
  select string_agg(format('t.%1$I operator(%2$I.%3$s) given.%1$I', a.attname, n.nspname, o.oprname), ' and ' order by k.i)
    from pg_index x
    cross join lateral unnest((x.indkey::int2[])[0:x.indnkeyatts - 1], x.indclass::oid[]) with ordinality k(attnum, opclass, i)
    join pg_attribute a on a.attrelid = relation and a.attnum = k.attnum
    join pg_opclass c on c.oid = k.opclass
    join pg_amop m on m.amopfamily = c.opcfamily and m.amopstrategy = 3
                  and m.amoplefttype = c.opcintype and m.amoprighttype = c.opcintype
    join pg_operator o on o.oid = m.amopopr
    join pg_namespace n on n.oid = o.oprnamespace
   where x.indrelid = relation and x.indisprimary
$$;

-- The JSON text of some columns of a row, in which two rows are compared: json has no equality operator.
create or replace function supakeep.line_of(alias text, columns text[], as_text text[])
returns text
language sql immutable security invoker
set search_path = pg_catalog
as $$
  select format('pg_catalog.row_to_json((select r from (select %s) r))::pg_catalog.text',
                coalesce(string_agg(format(case when c = any (as_text) then '%1$I.%2$I::pg_catalog.text as %2$I' else '%1$I.%2$I' end,
                                           alias, c), ', ' order by i), 'null'))
    from unnest(columns) with ordinality u(c, i)
$$;

-- The statements of an upsert. Each takes the rows ($1, a JSON array) and the positions of those that are meant ($2,
-- null for all). Every name in them is qualified, because they run under the caller's own search path: the table's
-- triggers, checks, domains, generated columns and indexes may need it.
create or replace function supakeep.upsert_statements(asked jsonb, out compare text, out write text, out examples text)
language plpgsql stable security invoker
set search_path = pg_catalog
as $$
declare
  target   text := format('%I.%I', asked ->> 'schema', asked ->> 'table');
  relation regclass := target::regclass;
  key      text[] := array(select jsonb_array_elements_text(asked -> 'key'));
  columns  text[] := array(select jsonb_array_elements_text(asked -> 'columns'));
  as_text  text[] := array(select jsonb_array_elements_text(asked -> 'text_columns'));
  -- an identity that is always generated can be given to a new row only
  settable text[] := array(
    select c from unnest(columns) with ordinality u(c, i)
      join pg_attribute a on a.attrelid = relation and a.attname = c
     where c <> all (key) and a.attidentity <> 'a' order by i);
  given    text := supakeep.given_values(relation, columns);
  matched  text := format('join %s t on %s', supakeep.own_rows(relation), supakeep.same_key(relation));
begin
  compare := format($compare$/* supakeep */ with given as materialized (%s),
    compared as (
      select given."supakeep: position" as place, t.tableoid is null as missing,
             t.tableoid is not null and %s operator(pg_catalog.<>) %s as differs
        from given left %s)
    select coalesce(pg_catalog.array_agg(place) filter (where missing), '{}'),
           coalesce(pg_catalog.array_agg(place) filter (where differs), '{}') from compared$compare$,
    given, supakeep.line_of('given', settable, as_text), supakeep.line_of('t', settable, as_text), matched);
  examples := format($examples$/* supakeep */ with given as materialized (%s)
    select pg_catalog.json_agg(pg_catalog.json_build_object('given', %s, 'live', %s)) from given %s$examples$,
    given, supakeep.line_of('given', columns, as_text), supakeep.line_of('t', columns, as_text), matched);
  write := format($write$/* supakeep */ with given as materialized (%s)
    insert into %s as t (%s) overriding system value select %3$s from given order by "supakeep: position"
    on conflict (%s) do %s$write$,
    given, target,
    (select string_agg(quote_ident(c), ', ' order by i) from unnest(columns) with ordinality u(c, i)),
    (select string_agg(quote_ident(k), ', ' order by i) from unnest(key) with ordinality u(k, i)),
    coalesce((select 'update set ' || string_agg(format('%1$I = excluded.%1$I', c), ', ')
                from unnest(settable) c having count(*) > 0), 'nothing'));
end
$$;

-- The positions of the rows that are not in the table, and of those that have other values there.
create or replace function supakeep.compared(
  statement text, given json, meant bigint[], out missing bigint[], out differing bigint[])
language plpgsql stable security invoker
set extra_float_digits = 3
as $$
begin
  execute statement into missing, differing using given, meant;
end
$$;

-- What a statement of an upsert answers, under settings by which two values that differ have different texts.
create or replace function supakeep.exactly(statement text, given json, meant bigint[])
returns json
language plpgsql stable security invoker
set extra_float_digits = 3
as $$
declare
  answer pg_catalog.json;
begin
  execute statement into answer using given, meant;
  return answer;
end
$$;

-- What the caller is told of an error in an upsert. `context` is what PostgreSQL says of the user's own code in which
-- it came up, such as a trigger, and null where there is none. `parent` is the table whose row is missing. `permitted`
-- is whether the caller may write the table: where it may, a permission that lacks is one for something else.
-- `located` is the schema, the table and the constraint that the error names.
create or replace function supakeep.refusal(
  asked jsonb, code text, message text, detail text, hint text, context text, located text[])
returns json
language sql stable security invoker
set search_path = pg_catalog
as $$
  with said as (
    select line, i, line like '%/* supakeep */%' or line like '%"given_rows"%' as is_ours
      from regexp_split_to_table(context, E'\n') with ordinality lines(line, i)),
  target as (select format('%I.%I', asked ->> 'schema', asked ->> 'table')::regclass as relation)
  select json_build_object('refused', json_build_object(
    'code', code,
    'message', message,
    'detail', nullif(detail, ''),
    'hint', nullif(hint, ''),
    'context', (select string_agg(line, E'\n' order by i) from said
                 where i < (select min(i) from said where is_ours)),
    'parent', (
      select n.nspname || '.' || p.relname
        from pg_constraint f
        join pg_class p on p.oid = f.confrelid
        join pg_namespace n on n.oid = p.relnamespace
       where f.contype = 'f' and f.conname = located[3]
         and f.conrelid = to_regclass(format('%I.%I', located[1], located[2]))),
    'permitted', has_table_privilege(relation, 'select') and has_table_privilege(relation, 'insert')
                 and has_table_privilege(relation, 'update')))
    from target
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

-- Upserts the rows of one batch, all of them or none.
-- request: {schema, table, key, columns, text_columns, rows: text of a JSON array, dry_run}.
--
-- Rows that are the same already are left alone: no dead tuples, and no trigger fires for them. What was written is
-- compared with what was given. Answers {inserted, updated, unchanged, altered, examples}; `altered` rows were written
-- and then held other values than those given, as a trigger may see to. Where the database does not take one of the
-- rows, it answers supakeep.refusal's. A dry run compares only.
--
-- Rows are parsed and compared under settings that say everything exactly. They are written under the caller's own,
-- which the user's code was made for; hence the qualified names, and functions with settings of their own.
create or replace function public.supakeep_upsert(request text)
returns json
language plpgsql volatile security invoker
set statement_timeout = '55s'
as $$
declare
  asked     pg_catalog.jsonb := request;
  given     pg_catalog.json := asked operator(pg_catalog.->>) 'rows';
  run       record;
  missing   bigint[];
  differing bigint[];
  meant     bigint[];
  lost      bigint[];
  altered   bigint[] := '{}';
  examples  pg_catalog.json := '[]';
  written   bigint;
  code      text;
  said      text;
  detail    text;
  hint      text;
  context   text;
  in_schema text;
  in_table  text;
  broken    text;
begin
  run := supakeep.upsert_statements(asked);
  begin
    select c.missing, c.differing into missing, differing from supakeep.compared(run.compare, given, null) c;
    meant := pg_catalog.array_cat(missing, differing);
    if not (asked operator(pg_catalog.->>) 'dry_run')::boolean and pg_catalog.cardinality(meant) operator(pg_catalog.>) 0 then
      execute run.write using given, meant;
      get diagnostics written = row_count;
      set constraints all immediate;
      select c.missing, c.differing into lost, altered from supakeep.compared(run.compare, given, meant) c;
      if pg_catalog.cardinality(lost) operator(pg_catalog.>) 0
         or written operator(pg_catalog.<) pg_catalog.cardinality(meant) and pg_catalog.cardinality(altered) operator(pg_catalog.>) 0 then
        -- undoes the batch, so that the caller finds out which rows these are
        raise data_exception using message = 'a trigger of the table discarded the row';
      end if;
      examples := supakeep.exactly(run.examples, given, altered[1:5]);
    end if;
  exception when others or assert_failure then
    get stacked diagnostics code = returned_sqlstate, said = message_text, detail = pg_exception_detail,
      hint = pg_exception_hint, context = pg_exception_context,
      in_schema = schema_name, in_table = table_name, broken = constraint_name;
    return supakeep.refusal(asked, code, said, detail, hint, context, array[in_schema, in_table, broken]);
  end;
  return pg_catalog.json_build_object(
    'inserted', pg_catalog.cardinality(missing),
    'updated', pg_catalog.cardinality(differing),
    'unchanged', pg_catalog.json_array_length(given) operator(pg_catalog.-) pg_catalog.cardinality(meant),
    'altered', pg_catalog.cardinality(altered),
    'examples', coalesce(examples, '[]'));
end
$$;

-- Moves the sequences that a table's columns draw from past its highest values, so that the next insert after a
-- restore does not collide. A sequence is never moved back; one that counts down is moved further down. request:
-- {schema, table}. Answers {advanced: the sequences that were moved, unfinished: statements that would move the others,
-- where finding the highest value of a column without an index took longer than the caller is given}.
create or replace function public.supakeep_advance_sequences(request text)
returns json
language plpgsql volatile security invoker
set search_path = pg_catalog
set statement_timeout = '55s'
as $$
declare
  asked      jsonb := request;
  target     text := format('%I.%I', asked ->> 'schema', asked ->> 'table');
  owner      regclass := target::regclass;
  used       record;
  highest    text;
  furthest   bigint;
  behind     boolean;
  advanced   text[] := '{}';
  unfinished text[] := '{}';
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
    select column_name, name, seqmin, seqmax, seqincrement > 0 as upwards from sequences
  loop
    highest := format('%s(%I)', case when used.upwards then 'max' else 'min' end, used.column_name);
    begin
      execute format('select %s from %s', highest, target) into furthest;
      execute format('select $1 %s last_value or ($1 = last_value and not is_called) from %s',
                     case when used.upwards then '>' else '<' end, used.name)
        into behind using furthest;
      if behind and furthest between used.seqmin and used.seqmax then
        perform setval(used.name, furthest, true);
        advanced := advanced || used.name::text;
      end if;
    exception when query_canceled then
      unfinished := unfinished || format('select setval(%L, %s) from %s;', used.name, highest, target);
    end;
  end loop;
  return json_build_object('advanced', to_json(advanced), 'unfinished', to_json(unfinished));
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
