-- Triggers and policies on tables, without those of extensions: the kind, the table's schema and name, the name, the
-- schema of the function that a trigger calls (null for a policy), and the SQL that makes it. That is null where the
-- object is in the snapshot and gone by now: only the catalog of the present moment can be spelled out.
with tables as (
  select c.oid, n.nspname::text as schema, c.relname::text as name, format('%I.%I', n.nspname, c.relname) as full_name
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
   where c.relkind in ('r', 'p')
     and not exists (select from pg_depend d
                      where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e'))
select 'TRIGGER' as kind, t.schema, t.name as table_name, g.tgname::text as name,
       f.nspname::text as calls,
       pg_get_triggerdef(g.oid) || ';'
       || case g.tgenabled when 'O' then ''
                           else format(E'\n\nALTER TABLE %s %s TRIGGER %I;', t.full_name,
                                       case g.tgenabled when 'D' then 'DISABLE' when 'A' then 'ENABLE ALWAYS'
                                                        else 'ENABLE REPLICA' end, g.tgname) end
       || coalesce(format(E'\n\nCOMMENT ON TRIGGER %I ON %s IS ', g.tgname, t.full_name)
                   || quote_literal(obj_description(g.oid, 'pg_trigger')) || ';', '') as sql
  from pg_trigger g
  join tables t on t.oid = g.tgrelid
  join pg_proc p on p.oid = g.tgfoid
  join pg_namespace f on f.oid = p.pronamespace
 where not g.tgisinternal and g.tgparentid = 0
union all
select 'POLICY', t.schema, t.name, p.polname::text, null,
       format('CREATE POLICY %I ON %s', p.polname, t.full_name)
       || case when p.polpermissive then '' else ' AS RESTRICTIVE' end
       || case p.polcmd when 'r' then ' FOR SELECT' when 'a' then ' FOR INSERT' when 'w' then ' FOR UPDATE'
                        when 'd' then ' FOR DELETE' else '' end
       || coalesce((select ' TO ' || string_agg(quote_ident(r.rolname), ', ' order by r.rolname)
                      from pg_roles r where r.oid = any(p.polroles)), '')
       || case when p.polqual is null then '' else ' USING (' || pg_get_expr(p.polqual, p.polrelid) || ')' end
       || case when p.polwithcheck is null then ''
               else ' WITH CHECK (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')' end || ';'
       || coalesce(format(E'\n\nCOMMENT ON POLICY %I ON %s IS ', p.polname, t.full_name)
                   || quote_literal(obj_description(p.oid, 'pg_policy')) || ';', '')
  from pg_policy p
  join tables t on t.oid = p.polrelid
 order by schema, table_name, kind, name
