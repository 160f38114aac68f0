-- The table that a request is about.
create or replace function supakeep.relation(asked jsonb)
returns regclass
language sql stable security invoker
set search_path = pg_catalog
as $$
  select format('%I.%I', asked ->> 'schema', asked ->> 'table')::regclass
$$;
