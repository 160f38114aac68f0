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
