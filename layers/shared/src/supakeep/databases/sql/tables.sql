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
