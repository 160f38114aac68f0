-- The query of a page: the rows' lines and their keys as texts, in the order of the key. See supakeep_page.
create or replace function supakeep.page_query(asked jsonb)
returns text
language sql stable security invoker
set search_path = pg_catalog
as $$
  select format('select %s as line, array[%s] as key from %s t where %s and %s order by %s limit %s',
                supakeep.line(asked), supakeep.key_list(key, 't.%I::text'), supakeep.own_rows(supakeep.relation(asked)),
                supakeep.condition(asked), supakeep.slice(asked), supakeep.key_list(key), (asked ->> 'limit')::bigint)
    from (select supakeep.names(asked -> 'key') as key) request
$$;
