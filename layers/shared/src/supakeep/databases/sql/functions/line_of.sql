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
