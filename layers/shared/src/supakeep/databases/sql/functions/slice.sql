-- Which part of the key's order a request is about, as SQL: from the key `from` on, after the key `after`, up to but
-- without the key `until`; each is optional.
create or replace function supakeep.slice(asked jsonb)
returns text
language sql stable security invoker
set search_path = pg_catalog
as $$
  select concat_ws(' and ', 'true', string_agg(
    format('(%s) %s (%s)', supakeep.operands(relation, key), operator, supakeep.key_values(relation, key, asked -> name)), ' and '))
  from (select supakeep.relation(asked) as relation, supakeep.names(asked -> 'key') as key) request
  cross join (values ('from', '>='), ('after', '>'), ('until', '<')) limits (name, operator)
  where nullif(asked -> name, 'null') is not null
$$;
