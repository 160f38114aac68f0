-- What a project holds beside its rows' values, without what the server and extensions bring: the kind, the schema
-- (null where it lies in none), the name, and the root: the partitioned table that a partition belongs to at last, the
-- table whose column shows a sequence's value, the schema of what an event trigger or default privileges are about.
with members as (select classid, objid from pg_depend where deptype = 'e'),
     user_schemas as (
       select oid, nspname::text as name from pg_namespace
        where nspname <> 'information_schema' and nspname not like 'pg\_%')
select 'schema' as kind, null as schema, s.name, null as root
  from user_schemas s
 where not exists (select from members where classid = 'pg_namespace'::regclass and objid = s.oid)
union all
select case when c.relispartition then 'partition' when c.relkind = 'v' then 'view'
            when c.relkind = 'm' then 'materialized view' when c.relkind = 'f' then 'foreign table'
            else 'table' end,
       s.name, c.relname::text,
       case when c.relispartition then (select n.nspname || '.' || r.relname from pg_class r
          join pg_namespace n on n.oid = r.relnamespace where r.oid = pg_partition_root(c.oid)) end
  from pg_class c join user_schemas s on s.oid = c.relnamespace
 where c.relkind in ('r', 'p', 'v', 'm', 'f') and c.relpersistence <> 't'
   and not exists (select from members where classid = 'pg_class'::regclass and objid = c.oid)
union all
select 'function', s.name, p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')', null
  from pg_proc p join user_schemas s on s.oid = p.pronamespace
 where not exists (select from members where classid = 'pg_proc'::regclass and objid = p.oid)
union all
-- those of Supabase's own tables call Supabase's own functions; a user's call a user's
select case when f.name = 'supabase_functions' and p.proname = 'http_request' then 'webhook' else 'trigger' end,
       s.name, t.tgname || ' on ' || c.relname,
       case when f.name <> s.name then f.name end
  from pg_trigger t
  join pg_class c on c.oid = t.tgrelid
  join user_schemas s on s.oid = c.relnamespace
  join pg_proc p on p.oid = t.tgfoid
  join pg_namespace fn on fn.oid = p.pronamespace
  cross join lateral (select fn.nspname::text as name) f
 where not t.tgisinternal and t.tgparentid = 0
   and not exists (select from members where classid = 'pg_class'::regclass and objid = c.oid)
union all
select 'policy', s.name, p.polname || ' on ' || c.relname, null
  from pg_policy p
  join pg_class c on c.oid = p.polrelid
  join user_schemas s on s.oid = c.relnamespace
 where not exists (select from members where classid = 'pg_class'::regclass and objid = c.oid)
union all
-- that of an identity column is a part of the column
select 'sequence', s.name, c.relname::text,
       (select d.refobjid::regclass::text from pg_depend d
         where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'a' and d.refobjsubid > 0
        union all
        select a.adrelid::regclass::text from pg_depend d join pg_attrdef a on a.oid = d.objid
         where d.classid = 'pg_attrdef'::regclass and d.refclassid = 'pg_class'::regclass and d.refobjid = c.oid
         limit 1)
  from pg_class c join user_schemas s on s.oid = c.relnamespace
 where c.relkind = 'S' and c.relpersistence <> 't'
   and not exists (select from pg_depend d
                    where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype in ('e', 'i'))
union all
-- without the array that each type has, and without the row type that each table has
select 'type', s.name, t.typname::text, null
  from pg_type t
  join user_schemas s on s.oid = t.typnamespace
  left join pg_class c on c.oid = t.typrelid
 where (t.typtype in ('d', 'e', 'r') or t.typtype = 'b' and t.typcategory <> 'A' or c.relkind = 'c')
   and not exists (select from members where classid = 'pg_type'::regclass and objid = t.oid)
union all
select 'event trigger', null, t.evtname::text, n.nspname::text
  from pg_event_trigger t
  join pg_proc p on p.oid = t.evtfoid
  join pg_namespace n on n.oid = p.pronamespace
 where not exists (select from members where classid = 'pg_event_trigger'::regclass and objid = t.oid)
union all
select 'default privileges', null,
       case d.defaclobjtype when 'r' then 'for tables' when 'S' then 'for sequences' when 'f' then 'for functions'
            when 'T' then 'for types' when 'n' then 'for schemas' else 'for large objects' end
       || ' of ' || r.rolname || coalesce(' in ' || n.nspname, ''), n.nspname::text
  from pg_default_acl d
  join pg_roles r on r.oid = d.defaclrole
  left join pg_namespace n on n.oid = d.defaclnamespace
union all
select 'extension', null, extname::text, null from pg_extension where extname <> 'plpgsql'
union all
select 'publication', null, pubname::text, null from pg_publication
union all
select 'role', null, rolname::text, null from pg_roles where oid >= 16384
