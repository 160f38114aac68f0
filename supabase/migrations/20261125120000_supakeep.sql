-- Prepares a Supabase project for Supakeep: the bucket for its backups, what its key may do, and the functions that its
-- `rest` engine calls. Safe to run again, over any earlier version. `supakeep migration` prints it.
-- Generated from layers/shared/src/supakeep/databases/sql: change it there, and run
-- `python -m devstack.supabase.migrations --write`.

-- The bucket is private: only the secret key reaches it, unless a policy on storage.objects opens every bucket.
insert into storage.buckets (id, name, public)
values ('backups', 'backups', false)
on conflict (id) do nothing;

do $$
begin
  if exists (select from storage.buckets where id = 'backups' and public) then
    raise exception 'the bucket "backups" exists already and is public, so anyone could read the backups'
      using hint = 'Make it private, or name another bucket here and in the parameter BackupBucket.';
  end if;
end
$$;

-- Tried, and not read out of the policies: an object that is never committed, seen through the eyes of a visitor and of
-- a user who logged in.
do $$
declare
  visitor  text;
  is_seen  boolean;
  policies text;
begin
  foreach visitor in array array['anon', 'authenticated'] loop
    is_seen := false;
    begin
      insert into storage.objects (bucket_id, name) values ('backups', 'daily/seen-by-nobody');
      perform set_config('request.jwt.claims', json_build_object('role', visitor, 'sub', gen_random_uuid())::text, true);
      execute format('set local role %I', visitor);
      select exists (select from storage.objects where bucket_id = 'backups' and name = 'daily/seen-by-nobody') into is_seen;
      raise exception using errcode = 'SK001', message = 'undoes the object and the role';
    exception
      when sqlstate 'SK001' or insufficient_privilege then null;
      when others then raise warning 'whether % may read the backups could not be tried: %', visitor, sqlerrm;
    end;
    if is_seen then
      select string_agg(quote_ident(policyname), ', ' order by policyname) into policies
        from pg_policies
       where schemaname = 'storage' and tablename = 'objects' and cmd in ('SELECT', 'ALL') and permissive = 'PERMISSIVE'
         and roles && array['public', visitor]::name[];
      raise exception 'the role "%" may read every backup: a policy on storage.objects applies to the bucket "backups" (%)',
                      visitor, coalesce(policies, 'row-level security is off')
        using hint = 'Restrict the policy to its own bucket, for example: using (bucket_id = ''avatars'').';
    end if;
  end loop;
end
$$;

-- The Data API reads and writes as service_role. It bypasses row level security but not grants, and since
-- 30 October 2026 a new table in `public` comes without any. A backup needs SELECT, a restore INSERT and UPDATE
-- (it never deletes), and UPDATE on sequences, which a restore moves past the highest id.
-- For other exposed schemas, repeat this with their names.
grant usage on schema public to service_role;

do $$
declare
  relation record;
begin
  for relation in
    select c.oid::regclass as name, c.relkind = 'S' as is_sequence
      from pg_class c
     where c.relnamespace = 'public'::regnamespace
       and c.relkind in ('r', 'p', 'S')
       -- what extensions own, such as PostGIS's spatial_ref_sys, is neither ours to grant nor worth a backup
       and pg_has_role(c.relowner, 'usage')
  loop
    if relation.is_sequence then
      execute format('grant usage, select, update on sequence %s to service_role', relation.name);
    else
      execute format('grant select, insert, update on table %s to service_role', relation.name);
    end if;
  end loop;
end
$$;

-- The same for tables that the role running this migration creates later, so that a new table does not turn
-- tomorrow's backup into a partial one. It exposes nothing to anon or authenticated. Leave these lines out if you want to
-- grant every table by hand: the backup then names each table that it may not read, with the GRANT that it lacks.
alter default privileges in schema public grant select, insert, update on tables to service_role;
alter default privileges in schema public grant usage, select, update on sequences to service_role;

-- What the `rest` engine calls through the Data API.
--
-- PostgREST's table endpoints do not show identity or generated columns, cut pages silently,
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

-- The table that a request is about.
create or replace function supakeep.relation(asked jsonb)
returns regclass
language sql stable security invoker
set search_path = pg_catalog
as $$
  select format('%I.%I', asked ->> 'schema', asked ->> 'table')::regclass
$$;

-- Names of columns, which a request gives as a JSON array; none where it gives none.
create or replace function supakeep.names(given jsonb)
returns text[]
language sql immutable security invoker
set search_path = pg_catalog
as $$
  select array(select n from jsonb_array_elements_text(coalesce(nullif(given, 'null'), '[]')) with ordinality u(n, i) order by i)
$$;

-- Where a table's own rows are: an heir's rows are the heir's, a partition's those of the partitioned table.
create or replace function supakeep.own_rows(relation regclass)
returns text
language sql stable security invoker
set search_path = pg_catalog
as $$
  select case relkind when 'p' then '' else 'only ' end || relation::text from pg_class where oid = relation
$$;

-- Keeps a table as it is until the transaction ends, and refuses one that was rewritten or emptied after the snapshot was
-- taken: TRUNCATE and a rewriting ALTER are not of one moment with a snapshot, to which the table then looks empty. Who
-- waits for one of them and asks again sees the rows.
--
-- It is the first statement about the table, and so the one for which the server reads the expressions of its indexes,
-- once in a session. They were written for the search path of the role's own sessions; under another one it may not find
-- what their functions name without a schema.
create or replace function supakeep.hold(relation regclass)
returns void
language plpgsql stable security invoker
set search_path = pg_catalog
as $$
declare
  rows text := supakeep.own_rows(relation);
begin
  perform set_config('search_path', (select reset_val from pg_settings where name = 'search_path'), true);
  execute 'select from ' operator(pg_catalog.||) rows operator(pg_catalog.||) ' limit 0';
  perform pg_catalog.set_config('search_path', 'pg_catalog', true);
  -- pg_relation_filenode says what is committed, pg_class what the snapshot sees
  if exists (select from (select relation as oid union select relid from pg_partition_tree(relation)) own
               left join pg_class c on c.oid = own.oid
              where pg_relation_filenode(own.oid) is distinct from nullif(c.relfilenode, 0)) then
    raise lock_not_available using message = format('%s was rewritten or emptied just now', relation);
  end if;
end
$$;

-- The columns of a table that is held, each as [name, type]. Volatile, so that it sees what was committed while the
-- statement that calls it waited.
create or replace function supakeep.columns(relation regclass)
returns json
language plpgsql volatile security invoker
set search_path = pg_catalog
as $$
begin
  return (select coalesce(json_agg(json_build_array(attname, format_type(atttypid, atttypmod)) order by attnum), '[]')
            from pg_attribute
           where attrelid = relation and attnum > 0 and not attisdropped);
end
$$;

-- The files of a table that is held, and of its partitions, by OID. TRUNCATE and a rewrite give it new ones; a partition
-- that is dropped or detached takes its own along.
create or replace function supakeep.files(relation regclass)
returns json
language sql stable security invoker
set search_path = pg_catalog
as $$
  select json_object_agg(own.oid::bigint, pg_relation_filenode(own.oid)::bigint)
    from (select relation as oid union select relid from pg_partition_tree(relation)) own
$$;

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

-- A key's columns of `t` as SQL lists them: `t.a, t.b`; with another form each as that form has it (`t.%I::text`).
create or replace function supakeep.key_list(key text[], form text default 't.%I')
returns text
language sql immutable security invoker
set search_path = pg_catalog
as $$
  select string_agg(format(form, k), ', ' order by i) from unnest(key) with ordinality u(k, i)
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

-- Columns of `t` as operands of a comparison: a domain as the type below it, since not every operator takes a domain
-- (those of enums do not). An index on the column serves all the same.
create or replace function supakeep.operands(relation regclass, columns text[])
returns text
language sql stable security invoker
set search_path = pg_catalog
as $$
  select string_agg(format(case when t.typtype = 'd' then 't.%I::%s' else 't.%I' end, c, supakeep.base_type(t.oid)), ', ' order by i)
    from unnest(columns) with ordinality u(c, i)
    join pg_attribute a on a.attrelid = relation and a.attname = u.c
    join pg_type t on t.oid = a.atttypid
$$;

-- Which rows of `t` a request is about, as SQL: those of its window (`since_column` and `since`, or `order_by` and the
-- `bound` that supakeep_window settled), and with `untouched_since` only those that no transaction has written since.
-- The window's column is compared by itself first, so that an ordinary index on it serves.
create or replace function supakeep.condition(asked jsonb)
returns text
language sql stable security invoker
set search_path = pg_catalog
as $$
  select concat_ws(' and ', 'true',
    case when asked ->> 'since_column' is not null
         then format('%s >= %L', supakeep.operands(relation, array[asked ->> 'since_column']), asked ->> 'since') end,
    case when bound ->> 'order' is not null
         then format('%1$s >= %2$L and (%1$s > %2$L or (%3$s) >= (%4$s))', ordered, bound ->> 'order',
                     supakeep.operands(relation, key), supakeep.key_values(relation, key, bound -> 'key'))
         when bound ->> 'key' is not null
         then format('(%1$s is not null or (%2$s) >= (%3$s))', ordered,
                     supakeep.operands(relation, key), supakeep.key_values(relation, key, bound -> 'key')) end,
    case when asked ->> 'untouched_since' is not null
         then format('age(t.xmin) > age(%L::xid8::xid)', asked ->> 'untouched_since') end)
  from (select relation, supakeep.names(asked -> 'key') as key, asked -> 'bound' as bound,
               supakeep.operands(relation, array[asked ->> 'order_by']) as ordered
          from supakeep.relation(asked) relation) request
$$;

-- Which part of the key's order a request is about, as SQL: from the key `from` on, after the key `after`, up to but
-- without the key `until`; each is optional.
create or replace function supakeep.slice(asked jsonb)
returns text
language sql stable security invoker
set search_path = pg_catalog
as $$
  select concat_ws(' and ', 'true', string_agg(
    format('(%s) %s (%s)', supakeep.operands(relation, key), operator, supakeep.key_values(relation, key, asked -> name)), ' and '))
  from (select supakeep.relation(asked) as relation, supakeep.names(asked -> 'key') as key) request
  cross join (values ('from', '>='), ('after', '>'), ('until', '<')) limits (name, operator)
  where nullif(asked -> name, 'null') is not null
$$;

-- A row of `t` as JSON text on one line, as SQL: what row_to_json makes of it, but for values of which that would not
-- be exact (docs/format.md). The request names their columns, as the catalog has them.
create or replace function supakeep.line(asked jsonb)
returns text
language plpgsql stable security invoker
set search_path = pg_catalog
as $$
declare
  texts  text[] := supakeep.names(asked -> 'text_columns');
  arrays text[] := supakeep.names(asked -> 'array_columns');
  jsons  text[] := supakeep.names(asked -> 'json_columns');
  jsonbs text[] := supakeep.names(asked -> 'jsonb_columns');
  -- line breaks between tokens, blanks around a null, and escapes that the functions which make rows of JSON refuse
  odd    text := $odd$t.%1$I::text ~ E'[\n\r]|\\\\u(0000|[dD][89a-fA-F])|^[ \t]+null[ \t]*$|^null[ \t]+$'$odd$;
  line   text := 'row_to_json(t.*)';
  left_out text[] := supakeep.names(asked -> 'exclude_columns');
  nulls  text;
  given  text;
begin
  if cardinality(texts || arrays || jsons || left_out) > 0 then
    select format('(select row_to_json(r.*) from (select %s) r)', string_agg(format(
             case when a.attname = any (texts) then 't.%1$I::text as %1$I'
                  when a.attname = any (arrays)
                  -- JSON has no place for a lower bound other than 1, the array's text has
                  then $form$case when array_dims(t.%1$I) !~ '^([[]1:[0-9]+[]])+$' then to_json(t.%1$I::text) else to_json(t.%1$I) end as %1$I$form$
                  when a.attname = any (jsons)
                  then 'case when ' || odd || ' then to_json(t.%1$I::text) else t.%1$I::json end as %1$I'
                  else 't.%1$I' end, a.attname), ', ' order by a.attnum))
      into line
      from pg_attribute a
     where a.attrelid = supakeep.relation(asked) and a.attnum > 0 and not a.attisdropped
       and a.attname <> all (left_out);
  end if;
  select string_agg(format($form$case when %1$s_typeof(t.%2$I) = 'null' then %3$L end$form$, type, name, name), ', ' order by a.attnum)
    into nulls
    from (select 'json' as type, unnest(jsons) as name union all select 'jsonb', unnest(jsonbs)) nullable
    join pg_attribute a on a.attrelid = supakeep.relation(asked) and a.attname = name and not a.attnotnull;
  select string_agg(format('case when ' || odd || ' then %2$L end', name, name), ', ')
    into given from unnest(jsons) name;
  line := line || '::text';
  if nulls is not null or given is not null then
    line := format($form$
      (select case when nulls is null and given is null then line else left(line, -1) || ',"":' || json_strip_nulls(
                json_build_object('null', array_to_json(nulls), 'text', array_to_json(given)))::text || '}' end
         from (select %1$s as line, nullif(array_remove(array[%2$s]::text[], null), '{}') as nulls,
                      nullif(array_remove(array[%3$s]::text[], null), '{}') as given) told)$form$,
      line, nulls, given);
  end if;
  return line;
end
$$;

-- The query of a page: the rows' lines and their keys as texts, in the order of the key. See supakeep_page.
create or replace function supakeep.page_query(asked jsonb)
returns text
language sql stable security invoker
set search_path = pg_catalog
as $$
  select format('select %s as line, array[%s] as key from %s t where %s and %s order by %s limit %s',
                supakeep.line(asked), supakeep.key_list(key, 't.%I::text'), supakeep.own_rows(supakeep.relation(asked)),
                supakeep.condition(asked), supakeep.slice(asked), supakeep.key_list(key), (asked ->> 'limit')::bigint)
    from (select supakeep.names(asked -> 'key') as key) request
$$;

-- The query for the $1-th row of those whose `order_by` is (or is not) null, from the highest value down: {order, key}.
-- An ordinary index on the column serves: `desc nulls last` over all rows would need one of its own.
create or replace function supakeep.bound_query(asked jsonb, which text)
returns text
language sql stable security invoker
set search_path = pg_catalog
as $$
  select format('select jsonb_build_object(''order'', t.%1$I::text, ''key'', array[%2$s]) from %3$s t '
                'where t.%1$I %4$s order by t.%1$I desc, %5$s offset $1 - 1 limit 1',
                asked ->> 'order_by', supakeep.key_list(key, 't.%I::text'),
                supakeep.own_rows(supakeep.relation(asked)), which, supakeep.key_list(key, 't.%I desc'))
    from (select supakeep.names(asked -> 'key') as key) request
$$;

-- The query for the first key of each slice of a window, in the key's order. A slice has $1 rows, or more where there
-- would be more than 2,000 of them.
create or replace function supakeep.cuts_query(asked jsonb)
returns text
language sql stable security invoker
set search_path = pg_catalog
as $$
  select format('select coalesce(json_agg(first order by n), ''[]'') from ('
                'select array[%1$s] as first, row_number() over (order by %2$s) - 1 as n, count(*) over () as total '
                'from %3$s t where %4$s) rows where n %% greatest($1, total / 2000 + 1) = 0',
                supakeep.key_list(key, 't.%I::text'), supakeep.key_list(key),
                supakeep.own_rows(supakeep.relation(asked)), supakeep.condition(asked))
    from (select supakeep.names(asked -> 'key') as key) request
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
  -- a domain as the type below it: the operators of enums do not take one
  select string_agg(format(case when t.typtype = 'd' then 't.%1$I::%4$s operator(%2$I.%3$s) given.%1$I::%4$s'
                                else 't.%1$I operator(%2$I.%3$s) given.%1$I' end,
                           a.attname, n.nspname, o.oprname, supakeep.base_type(t.oid)), ' and ' order by k.i)
    from pg_index x
    cross join lateral unnest((x.indkey::int2[])[0:x.indnkeyatts - 1], x.indclass::oid[]) with ordinality k(attnum, opclass, i)
    join pg_attribute a on a.attrelid = relation and a.attnum = k.attnum
    join pg_type t on t.oid = a.atttypid
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
  select format('(select pg_catalog.row_to_json(r.*)::pg_catalog.text from (select %s) r)',
                coalesce(string_agg(format(case when c = any (as_text) then '%1$I.%2$I::pg_catalog.text as %2$I' else '%1$I.%2$I' end,
                                           alias, c), ', ' order by i), 'null'))
    from unnest(columns) with ordinality u(c, i)
$$;

-- Whether two values of a key's column may be equal and have different texts, as 1.0 and 1.00: all types but those whose
-- operator class says that equal values are the same bytes, which for text depends on the collation. Up to PostgreSQL 15
-- that of intervals says so too, and is wrong: 1 day equals 24 hours.
create or replace function supakeep.has_spellings(relation regclass, attnum smallint)
returns boolean
language sql stable security invoker
set search_path = pg_catalog
as $$
  select not coalesce(bool_and(
           p.amproc = 'btequalimage'::regproc and c.opcintype <> 'interval'::regtype
           or p.amproc = 'btvarstrequalimage'::regproc and coalesce(l.collisdeterministic, true)), false)
    from pg_index x
    cross join lateral unnest(x.indkey::int2[], x.indclass::oid[], x.indcollation::oid[]) k(attnum, opclass, sorted_by)
    join pg_opclass c on c.oid = k.opclass
    left join pg_amproc p on p.amprocfamily = c.opcfamily and p.amprocnum = 4
                         and p.amproclefttype = c.opcintype and p.amprocrighttype = c.opcintype
    left join pg_collation l on l.oid = k.sorted_by
   where x.indrelid = relation and x.indisprimary and k.attnum = has_spellings.attnum
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
  -- an identity that is always generated can be given to a new row only, and a key stays, but for one whose equal values
  -- may be written differently (1.0 and 1.00)
  settable text[] := array(
    select c from unnest(columns) with ordinality u(c, i)
      join pg_attribute a on a.attrelid = relation and a.attname = c
     where (c <> all (key) or supakeep.has_spellings(relation, a.attnum)) and a.attidentity <> 'a' order by i);
  given    text := supakeep.given_values(relation, columns);
  matched  text := format('join %s t on %s', supakeep.own_rows(relation), supakeep.same_key(relation));
begin
  compare := format($compare$/* supakeep */ with given as materialized (%s),
    compared as (
      select given."supakeep: position" as place, t.tableoid is null as missing,
             t.tableoid is not null and %s operator(pg_catalog.<>) %s as differs
        from given left %s)
    select coalesce(pg_catalog.array_agg(place order by place) filter (where missing), '{}'),
           coalesce(pg_catalog.array_agg(place order by place) filter (where differs), '{}') from compared$compare$,
    given, supakeep.line_of('given', settable, as_text), supakeep.line_of('t', settable, as_text), matched);
  examples := format($examples$/* supakeep */ with given as materialized (%s)
    select pg_catalog.json_agg(pg_catalog.json_build_object('given', %s, 'live', %s) order by "supakeep: position")
      from given %s$examples$,
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

-- What the caller learns of an error in an upsert. `context` is what PostgreSQL says of the user's own code in which
-- it came up, such as a trigger, and null where there is none. `parent` is the table whose row is missing. `permitted`
-- is whether the caller may write the table: where it may, a missing permission is one for something else.
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

-- The policies on storage.objects that decide what a role may read.
create or replace function supakeep.reading_policies(caller text)
returns setof pg_policy
language sql stable security invoker
set search_path = pg_catalog
as $$
  select p.*
    from pg_policy p
   where p.polrelid = 'storage.objects'::regclass and p.polcmd in ('r', '*') and p.polqual is not null
     and exists (select from unnest(p.polroles) r(role) where r.role = 0 or pg_has_role(caller, r.role, 'usage'))
$$;

-- What there is to back up, and what is not: {functions_version, server_version, schemas: all that exist, tables: one
-- object a table, as tables.sql has it, left_out: one object a relation, as left_out.sql has it}.
create or replace function public.supakeep_catalog()
returns json
language sql stable security invoker
set search_path = pg_catalog
set statement_timeout = '55s'
as $$
select json_build_object(
  'functions_version', 4,
  'server_version', current_setting('server_version'),
  'schemas', (select json_agg(nspname) from pg_namespace),
  'tables', (select coalesce(json_agg(t.described), '[]') from (
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
         json_agg(a.attname order by a.attnum) filter (where k.base = 'jsonb'::regtype) as jsonbs,
         -- -1: of any length, where a bare `bit` or `character` would have one of 1
         json_object_agg(a.attname, format_type(k.base, -1)) filter (where k.base <> k.type) as bases
    from pg_attribute a join kinds k on k.type = a.atttypid
   where a.attrelid >= 16384 and a.attnum > 0 and not a.attisdropped
     and (k.is_text or k.is_array or k.base <> k.type or k.base in ('json'::regtype, 'jsonb'::regtype))
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
  'has_triggers', exists (
    select from pg_trigger g
     where not g.tgisinternal and g.tgenabled in ('O', 'A')
       and (g.tgrelid = c.oid or c.relkind = 'p' and g.tgrelid in (select relid from pg_partition_tree(c.oid)))),
  'text_columns', coalesce(s.texts, '[]'),
  'array_columns', coalesce(s.arrays, '[]'),
  'json_columns', coalesce(s.jsons, '[]'),
  'jsonb_columns', coalesce(s.jsonbs, '[]'),
  'base_types', coalesce(s.bases, '{}'),
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
             'match_full', f.confmatchtype = 'f',
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
  ) t),
  'left_out', (select coalesce(json_agg(l), '[]') from (
-- What looks like a table and is in no backup: its schema, its name with the schema, and the reason.
select n.nspname::text as schema, n.nspname || '.' || c.relname as name,
       case c.relkind when 'v' then 'a view: its rows are those of other tables'
                      when 'm' then 'a materialized view: refresh it after a restore'
                      when 'f' then 'a foreign table: its rows are in another database'
                      else 'a member of an extension' end as reason
  from pg_class c
  join pg_namespace n on n.oid = c.relnamespace
 where n.nspname <> 'information_schema' and n.nspname not like 'pg\_%'
   and (c.relkind in ('v', 'm', 'f')
        or c.relkind in ('r', 'p') and exists (
             select from pg_depend d
              where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e'))
 order by name
  ) l))
$$;

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

-- Upserts the rows of one batch, all of them or none.
-- request: {schema, table, key, columns, text_columns (those that compare by their text), rows: text of a JSON array,
-- dry_run}.
--
-- Rows that are the same already are left alone: no dead tuples, and no trigger fires for them. What was written is
-- compared with what was given. Answers {inserted, updated, unchanged, altered, examples, missing}; `altered` rows were
-- written and then held other values than those given, as a trigger may see to. The examples are the first of these. Where
-- the database does not take one of the rows, it answers supakeep.refusal's. A dry run compares only; its examples are
-- the first rows that differ, and `missing` are the positions of the first that are not there.
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
    if pg_catalog.cardinality(meant) operator(pg_catalog.=) 0 then
      null;
    elsif (asked operator(pg_catalog.->>) 'dry_run')::boolean then
      -- what PostgreSQL refuses whatever the rows are, such as a rule of the table
      execute 'explain ' operator(pg_catalog.||) run.write using given, meant;
    else
      execute run.write using given, meant;
      get diagnostics written = row_count;
      set constraints all immediate;
      select c.missing, c.differing into lost, altered from supakeep.compared(run.compare, given, meant) c;
      if pg_catalog.cardinality(lost) operator(pg_catalog.>) 0
         or written operator(pg_catalog.<) pg_catalog.cardinality(meant) and pg_catalog.cardinality(altered) operator(pg_catalog.>) 0 then
        -- undoes the batch, so that the caller finds out which rows these are
        raise data_exception using message = 'a trigger of the table discarded the row';
      end if;
    end if;
    examples := supakeep.exactly(run.examples, given, (
      case when (asked operator(pg_catalog.->>) 'dry_run')::boolean then differing else altered end)[1:5]);
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
    'examples', coalesce(examples, '[]'),
    'missing', pg_catalog.array_to_json(missing[1:5]));
end
$$;

-- Moves the sequences that a table's columns draw from past its highest values, so that the next insert after a
-- restore does not collide. A sequence is never moved back; one that counts down is moved further down. A value at its
-- very end does not count: behind it, the sequence could give out nothing. request: {schema, table}. Answers {advanced:
-- the sequences that were moved, unfinished: statements that would move the others, where finding the highest value of
-- a column without an index took longer than the caller is given}.
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
  within     text;
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
    within := format('%I between %s and %s', used.column_name,
                     used.seqmin + (not used.upwards)::int, used.seqmax - used.upwards::int);
    begin
      execute format('select %s from %s where %s', highest, target, within) into furthest;
      execute format('select $1 %s last_value or ($1 = last_value and not is_called) from %s',
                     case when used.upwards then '>' else '<' end, used.name)
        into behind using furthest;
      if behind then
        perform setval(used.name, furthest, true);
        advanced := advanced || used.name::text;
      end if;
    exception when query_canceled then
      unfinished := unfinished || format('select setval(%L, %s) from %s where %s;', used.name, highest, target, within);
    end;
  end loop;
  return json_build_object('advanced', to_json(advanced), 'unfinished', to_json(unfinished));
end
$$;

-- Which policies let others than the secret key read the backups: {policies: [name…]}, by the names of the policies on
-- storage.objects under which a visitor or a user who logged in sees an object of the bucket. request: {bucket}.
--
-- A policy's condition is asked about an object that does not exist, with the claims of such a caller: its text says
-- little, since `owner = auth.uid()` names no bucket and opens none.
create or replace function public.supakeep_open_policies(request text)
returns json
language plpgsql stable security invoker
set search_path = pg_catalog
set statement_timeout = '10s'
as $$
declare
  asked  jsonb := request;
  object jsonb := jsonb_build_object('id', gen_random_uuid(), 'bucket_id', asked ->> 'bucket',
                                     'name', 'daily/seen-by-nobody', 'owner', gen_random_uuid(),
                                     'owner_id', gen_random_uuid(), 'metadata', '{}'::jsonb);
  caller text;
  closed text;
  policy record;
  opens  boolean;
  found  text[] := '{}';
begin
  foreach caller in array array['anon', 'authenticated'] loop
    continue when to_regrole(caller) is null;
    if not (select relrowsecurity from pg_class where oid = 'storage.objects'::regclass) then
      found := found || case when has_table_privilege(caller, 'storage.objects', 'select')
                             then array['row-level security is off'] else '{}' end;
      continue;
    end if;
    perform set_config('request.jwt.claims', claims::text, true), set_config('request.jwt.claim.role', caller, true),
            set_config('request.jwt.claim.sub', coalesce(claims ->> 'sub', ''), true)
       from (select json_build_object('role', caller, 'sub', case caller when 'authenticated' then gen_random_uuid() end)
                    as claims) c;
    closed := coalesce((select string_agg('(' || pg_get_expr(polqual, polrelid) || ')', ' and ')
                          from supakeep.reading_policies(caller) where not polpermissive), 'true');
    for policy in select polname, pg_get_expr(polqual, polrelid) as condition
                    from supakeep.reading_policies(caller) where polpermissive loop
      begin
        execute format('select coalesce((%s) and (%s), false) from jsonb_populate_record(null::storage.objects, $1) objects',
                       policy.condition, closed) into opens using object;
      exception when others then
        opens := false;
      end;
      found := found || case when opens then array[policy.polname::text] else '{}' end;
    end loop;
  end loop;
  return json_build_object('policies', array(select distinct name from unnest(found) name order by name));
end
$$;

-- Earlier versions had these.
drop function if exists public.supakeep_search_path(regclass, text[]);
drop function if exists public.supakeep_text_columns(regclass);
drop function if exists public.supakeep_own_rows(regclass);
drop function if exists public.supakeep_key_values(regclass, text[], jsonb);
drop function if exists public.supakeep_bound(text);

revoke all on schema supakeep from public, anon, authenticated;
grant usage on schema supakeep to service_role;
revoke execute on all functions in schema supakeep from public, anon, authenticated;
grant execute on all functions in schema supakeep to service_role;
revoke execute on function public.supakeep_catalog(), public.supakeep_window(text), public.supakeep_page(text), public.supakeep_count(text), public.supakeep_upsert(text), public.supakeep_advance_sequences(text), public.supakeep_open_policies(text) from public, anon, authenticated;
grant execute on function public.supakeep_catalog(), public.supakeep_window(text), public.supakeep_page(text), public.supakeep_count(text), public.supakeep_upsert(text), public.supakeep_advance_sequences(text), public.supakeep_open_policies(text) to service_role;
-- PostgREST caches which functions exist.
notify pgrst, 'reload schema';
