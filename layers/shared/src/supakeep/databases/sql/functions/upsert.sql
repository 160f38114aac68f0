-- Upserts the rows of one batch; request: {schema, table, key, columns, rows: text of a JSON array, dry_run}.
-- Rows that are the same already are left alone: no dead tuples, and no trigger fires for them.
create or replace function public.supakeep_upsert(request text)
returns json
language plpgsql volatile security invoker
set search_path = pg_catalog
set timezone = 'UTC'
set datestyle = 'ISO'
set intervalstyle = 'postgres'
set extra_float_digits = 3
set statement_timeout = '55s'
as $$
declare
  asked    jsonb := request;
  relation regclass := format('%I.%I', asked ->> 'schema', asked ->> 'table')::regclass;
  key      text[] := array(select jsonb_array_elements_text(asked -> 'key'));
  columns  text[] := array(select jsonb_array_elements_text(asked -> 'columns'));
  settable text[] := array(
    select c from unnest(columns) c
      join pg_attribute a on a.attrelid = relation and a.attname = c
     where c <> all (key) and a.attidentity <> 'a');
  -- compared as JSON text, because a column of type json has no equality operator
  as_text  text[] := array(select jsonb_array_elements_text(asked -> 'text_columns'));
  differs  text := coalesce((
    select format('row_to_json(row(%s))::text is distinct from row_to_json(row(%s))::text',
                  string_agg(format(case when c = any (as_text) then 't.%I::text' else 't.%I' end, c), ', ' order by i),
                  string_agg(format(case when c = any (as_text) then 'excluded.%I::text' else 'excluded.%I' end, c), ', ' order by i))
      from unnest(settable) with ordinality u(c, i)
    having count(*) > 0), 'false');
  same_key text := (select string_agg(format('t.%1$I = excluded.%1$I', k), ' and ') from unnest(key) k);
  -- where a column must have a value, null in a row can only be JSON's own
  incoming text := (
    select string_agg(case when a.attnotnull and a.atttypid in ('json'::regtype, 'jsonb'::regtype)
                           then format('coalesce(%I, ''null'')', c) else quote_ident(c) end, ', ' order by i)
      from unnest(columns) with ordinality u(c, i)
      join pg_attribute a on a.attrelid = relation and a.attname = c);
  there    bigint;
  answer   json;
begin
  perform set_config('search_path', supakeep.search_path(relation, key), true);
  if (asked ->> 'dry_run')::boolean then
    execute format($compare$
      select json_build_object(
        'inserted', count(*) filter (where t.%1$I is null),
        'updated', count(*) filter (where t.%1$I is not null and %2$s),
        'unchanged', count(*) filter (where t.%1$I is not null and not (%2$s)))
      from json_populate_recordset(null::%3$s, $1) excluded left join %5$s t on %4$s
      $compare$,
      key[1], differs, relation, same_key, supakeep.own_rows(relation))
    into answer using (asked ->> 'rows')::json;
  else
    execute format($upsert$
      with incoming as materialized (select * from json_populate_recordset(null::%1$s, $1)),
      -- counted rather than told by xmax, which a partitioned table does not return
      present as (select count(*) as n from incoming excluded join %7$s t on %5$s),
      written as (
        insert into %1$s as t (%2$s) overriding system value
        select %6$s from incoming
        on conflict (%3$s) do %4$s
        returning 1)
      select json_build_object(
        'inserted', json_array_length($1) - present.n,
        'updated', w.n - (json_array_length($1) - present.n),
        'unchanged', json_array_length($1) - w.n)
        from present, (select count(*) as n from written) w
      $upsert$,
      relation,
      (select string_agg(quote_ident(c), ', ' order by i) from unnest(columns) with ordinality u(c, i)),
      (select string_agg(quote_ident(k), ', ' order by i) from unnest(key) with ordinality u(k, i)),
      coalesce((select format('update set %s where %s', string_agg(format('%1$I = excluded.%1$I', c), ', '), differs)
                  from unnest(settable) c having count(*) > 0), 'nothing'),
      same_key,
      incoming,
      supakeep.own_rows(relation))
    into answer using (asked ->> 'rows')::json;
    execute format(
      'select count(*) from json_populate_recordset(null::%1$s, $1) excluded join %2$s t on %3$s',
      relation, supakeep.own_rows(relation), same_key)
    into there using (asked ->> 'rows')::json;
    if there < json_array_length((asked ->> 'rows')::json) then
      -- undoes the batch, so that the caller finds out which rows these are
      -- of class 22, which every server answers with its own code
      raise data_exception using message = 'a trigger of the table discarded the row';
    end if;
  end if;
  return answer;
end
$$;
