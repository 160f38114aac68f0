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
