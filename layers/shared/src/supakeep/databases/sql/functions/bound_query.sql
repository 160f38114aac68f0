-- The query for the $1-th row of those whose `order_by` is (or is not) null, from the highest value down: {order, key}.
-- An ordinary index on the column serves: `desc nulls last` over all rows would need one of its own.
create or replace function supakeep.bound_query(asked jsonb, which text)
returns text
language sql stable security invoker
set search_path = pg_catalog
as $$
  select format('select jsonb_build_object(''order'', t.%1$I::text, ''key'', array[%2$s]) from %3$s t '
                'where t.%1$I %4$s order by t.%1$I desc, %5$s offset $1 - 1 limit 1',
                asked ->> 'order_by', supakeep.key_list(key, 't.%I::text'),
                supakeep.own_rows(supakeep.relation(asked)), which, supakeep.key_list(key, 't.%I desc'))
    from (select supakeep.names(asked -> 'key') as key) request
$$;
