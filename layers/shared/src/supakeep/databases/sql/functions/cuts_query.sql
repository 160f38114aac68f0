-- The query for the first key of each slice of a window, in the key's order. A slice has $1 rows, or more where there
-- would be more than 2,000 of them.
create or replace function supakeep.cuts_query(asked jsonb)
returns text
language sql stable security invoker
set search_path = pg_catalog
as $$
  select format('select coalesce(json_agg(first order by n), ''[]'') from ('
                'select array[%1$s] as first, row_number() over (order by %2$s) - 1 as n, count(*) over () as total '
                'from %3$s t where %4$s) rows where n %% greatest($1, total / 2000 + 1) = 0',
                supakeep.key_list(key, 't.%I::text'), supakeep.key_list(key),
                supakeep.own_rows(supakeep.relation(asked)), supakeep.condition(asked))
    from (select supakeep.names(asked -> 'key') as key) request
$$;
