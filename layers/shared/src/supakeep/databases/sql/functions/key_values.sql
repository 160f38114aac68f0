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
