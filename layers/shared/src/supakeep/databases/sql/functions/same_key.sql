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
