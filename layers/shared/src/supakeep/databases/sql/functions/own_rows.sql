-- Where a table's own rows are: an heir's rows are the heir's, a partition's those of the partitioned table.
create or replace function supakeep.own_rows(relation regclass)
returns text
language sql stable security invoker
set search_path = pg_catalog
as $$
  select case relkind when 'p' then '' else 'only ' end || relation::text from pg_class where oid = relation
$$;
