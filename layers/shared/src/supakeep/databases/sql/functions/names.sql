-- Names of columns, which a request gives as a JSON array; none where it gives none.
create or replace function supakeep.names(given jsonb)
returns text[]
language sql immutable security invoker
set search_path = pg_catalog
as $$
  select array(select n from jsonb_array_elements_text(coalesce(nullif(given, 'null'), '[]')) with ordinality u(n, i) order by i)
$$;
