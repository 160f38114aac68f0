-- A row of `t` as JSON text on one line, as SQL: what row_to_json makes of it, but for values of which that would not
-- be exact (docs/format.md). The request names their columns, as the catalog has them.
create or replace function supakeep.line(asked jsonb)
returns text
language plpgsql stable security invoker
set search_path = pg_catalog
as $$
declare
  texts  text[] := supakeep.names(asked -> 'text_columns');
  arrays text[] := supakeep.names(asked -> 'array_columns');
  jsons  text[] := supakeep.names(asked -> 'json_columns');
  jsonbs text[] := supakeep.names(asked -> 'jsonb_columns');
  -- line breaks between tokens, blanks around a null, and escapes that the functions which make rows of JSON refuse
  odd    text := $odd$t.%1$I::text ~ E'[\n\r]|\\\\u(0000|[dD][89a-fA-F])|^[ \t]+null[ \t]*$|^null[ \t]+$'$odd$;
  line   text := 'row_to_json(t.*)';
  left_out text[] := supakeep.names(asked -> 'exclude_columns');
  nulls  text;
  given  text;
begin
  if cardinality(texts || arrays || jsons || left_out) > 0 then
    select format('(select row_to_json(r.*) from (select %s) r)', string_agg(format(
             case when a.attname = any (texts) then 't.%1$I::text as %1$I'
                  when a.attname = any (arrays)
                  -- JSON has no place for a lower bound other than 1, the array's text has
                  then $form$case when array_dims(t.%1$I) !~ '^([[]1:[0-9]+[]])+$' then to_json(t.%1$I::text) else to_json(t.%1$I) end as %1$I$form$
                  when a.attname = any (jsons)
                  then 'case when ' || odd || ' then to_json(t.%1$I::text) else t.%1$I::json end as %1$I'
                  else 't.%1$I' end, a.attname), ', ' order by a.attnum))
      into line
      from pg_attribute a
     where a.attrelid = supakeep.relation(asked) and a.attnum > 0 and not a.attisdropped
       and a.attname <> all (left_out);
  end if;
  select string_agg(format($form$case when %1$s_typeof(t.%2$I) = 'null' then %3$L end$form$, type, name, name), ', ' order by a.attnum)
    into nulls
    from (select 'json' as type, unnest(jsons) as name union all select 'jsonb', unnest(jsonbs)) nullable
    join pg_attribute a on a.attrelid = supakeep.relation(asked) and a.attname = name and not a.attnotnull;
  select string_agg(format('case when ' || odd || ' then %2$L end', name, name), ', ')
    into given from unnest(jsons) name;
  line := line || '::text';
  if nulls is not null or given is not null then
    line := format($form$
      (select case when nulls is null and given is null then line else left(line, -1) || ',"":' || json_strip_nulls(
                json_build_object('null', array_to_json(nulls), 'text', array_to_json(given)))::text || '}' end
         from (select %1$s as line, nullif(array_remove(array[%2$s]::text[], null), '{}') as nulls,
                      nullif(array_remove(array[%3$s]::text[], null), '{}') as given) told)$form$,
      line, nulls, given);
  end if;
  return line;
end
$$;
