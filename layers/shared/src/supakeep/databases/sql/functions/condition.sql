-- Which rows of `t` a request is about, as SQL: those of its window (`since_column` and `since`, or `order_by` and the
-- `bound` that supakeep_window settled), and with `untouched_since` only those that no transaction has written since.
-- The window's column is compared by itself first, so that an ordinary index on it serves.
create or replace function supakeep.condition(asked jsonb)
returns text
language sql stable security invoker
set search_path = pg_catalog
as $$
  select concat_ws(' and ', 'true',
    case when asked ->> 'since_column' is not null
         then format('t.%I >= %L', asked ->> 'since_column', asked ->> 'since') end,
    case when asked -> 'bound' ->> 'order' is not null
         then format('t.%1$I >= %2$L and (t.%1$I > %2$L or (%3$s) >= (%4$s))', asked ->> 'order_by',
                     asked -> 'bound' ->> 'order', supakeep.key_list(key), supakeep.key_values(relation, key, asked -> 'bound' -> 'key'))
         when asked -> 'bound' ->> 'key' is not null
         then format('(t.%1$I is not null or (%2$s) >= (%3$s))', asked ->> 'order_by',
                     supakeep.key_list(key), supakeep.key_values(relation, key, asked -> 'bound' -> 'key')) end,
    case when asked ->> 'untouched_since' is not null
         then format('age(t.xmin) > age(%L::xid8::xid)', asked ->> 'untouched_since') end)
  from (select supakeep.relation(asked) as relation, supakeep.names(asked -> 'key') as key) request
$$;
