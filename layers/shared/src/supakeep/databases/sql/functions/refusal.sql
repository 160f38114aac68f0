-- What the caller learns of an error in an upsert. `context` is what PostgreSQL says of the user's own code in which
-- it came up, such as a trigger, and null where there is none. `parent` is the table whose row is missing. `permitted`
-- is whether the caller may write the table: where it may, a missing permission is one for something else.
-- `located` is the schema, the table and the constraint that the error names.
create or replace function supakeep.refusal(
  asked jsonb, code text, message text, detail text, hint text, context text, located text[])
returns json
language sql stable security invoker
set search_path = pg_catalog
as $$
  with said as (
    select line, i, line like '%/* supakeep */%' or line like '%"given_rows"%' as is_ours
      from regexp_split_to_table(context, E'\n') with ordinality lines(line, i)),
  target as (select format('%I.%I', asked ->> 'schema', asked ->> 'table')::regclass as relation)
  select json_build_object('refused', json_build_object(
    'code', code,
    'message', message,
    'detail', nullif(detail, ''),
    'hint', nullif(hint, ''),
    'context', (select string_agg(line, E'\n' order by i) from said
                 where i < (select min(i) from said where is_ours)),
    'parent', (
      select n.nspname || '.' || p.relname
        from pg_constraint f
        join pg_class p on p.oid = f.confrelid
        join pg_namespace n on n.oid = p.relnamespace
       where f.contype = 'f' and f.conname = located[3]
         and f.conrelid = to_regclass(format('%I.%I', located[1], located[2]))),
    'permitted', has_table_privilege(relation, 'select') and has_table_privilege(relation, 'insert')
                 and has_table_privilege(relation, 'update')))
    from target
$$;
