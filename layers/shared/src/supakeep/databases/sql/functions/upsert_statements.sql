-- The statements of an upsert. Each takes the rows ($1, a JSON array) and the positions of those that are meant ($2,
-- null for all). Every name in them is qualified, because they run under the caller's own search path: the table's
-- triggers, checks, domains, generated columns and indexes may need it.
create or replace function supakeep.upsert_statements(asked jsonb, out compare text, out write text, out examples text)
language plpgsql stable security invoker
set search_path = pg_catalog
as $$
declare
  target   text := format('%I.%I', asked ->> 'schema', asked ->> 'table');
  relation regclass := target::regclass;
  key      text[] := array(select jsonb_array_elements_text(asked -> 'key'));
  columns  text[] := array(select jsonb_array_elements_text(asked -> 'columns'));
  as_text  text[] := array(select jsonb_array_elements_text(asked -> 'text_columns'));
  -- an identity that is always generated can be given to a new row only, and a key stays, but for one whose equal values
  -- may be written differently (1.0 and 1.00)
  settable text[] := array(
    select c from unnest(columns) with ordinality u(c, i)
      join pg_attribute a on a.attrelid = relation and a.attname = c
     where (c <> all (key) or supakeep.has_spellings(relation, a.attnum)) and a.attidentity <> 'a' order by i);
  given    text := supakeep.given_values(relation, columns);
  matched  text := format('join %s t on %s', supakeep.own_rows(relation), supakeep.same_key(relation));
begin
  compare := format($compare$/* supakeep */ with given as materialized (%s),
    compared as (
      select given."supakeep: position" as place, t.tableoid is null as missing,
             t.tableoid is not null and %s operator(pg_catalog.<>) %s as differs
        from given left %s)
    select coalesce(pg_catalog.array_agg(place order by place) filter (where missing), '{}'),
           coalesce(pg_catalog.array_agg(place order by place) filter (where differs), '{}') from compared$compare$,
    given, supakeep.line_of('given', settable, as_text), supakeep.line_of('t', settable, as_text), matched);
  examples := format($examples$/* supakeep */ with given as materialized (%s)
    select pg_catalog.json_agg(pg_catalog.json_build_object('given', %s, 'live', %s) order by "supakeep: position")
      from given %s$examples$,
    given, supakeep.line_of('given', columns, as_text), supakeep.line_of('t', columns, as_text), matched);
  write := format($write$/* supakeep */ with given as materialized (%s)
    insert into %s as t (%s) overriding system value select %3$s from given order by "supakeep: position"
    on conflict (%s) do %s$write$,
    given, target,
    (select string_agg(quote_ident(c), ', ' order by i) from unnest(columns) with ordinality u(c, i)),
    (select string_agg(quote_ident(k), ', ' order by i) from unnest(key) with ordinality u(k, i)),
    coalesce((select 'update set ' || string_agg(format('%1$I = excluded.%1$I', c), ', ')
                from unnest(settable) c having count(*) > 0), 'nothing'));
end
$$;
