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
         then format('%s >= %L', supakeep.operands(relation, array[asked ->> 'since_column']), asked ->> 'since') end,
    case when bound ->> 'order' is not null
         then format('%1$s >= %2$L and (%1$s > %2$L or (%3$s) >= (%4$s))', ordered, bound ->> 'order',
                     supakeep.operands(relation, key), supakeep.key_values(relation, key, bound -> 'key'))
         when bound ->> 'key' is not null
         then format('(%1$s is not null or (%2$s) >= (%3$s))', ordered,
                     supakeep.operands(relation, key), supakeep.key_values(relation, key, bound -> 'key')) end,
    case when asked ->> 'untouched_since' is not null
         then format('age(t.xmin) > age(%L::xid8::xid)', asked ->> 'untouched_since') end)
  from (select relation, supakeep.names(asked -> 'key') as key, asked -> 'bound' as bound,
               supakeep.operands(relation, array[asked ->> 'order_by']) as ordered
          from supakeep.relation(asked) relation) request
$$;
