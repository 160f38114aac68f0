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
