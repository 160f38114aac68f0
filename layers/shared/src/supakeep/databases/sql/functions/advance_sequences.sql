-- Moves the sequences that a table's columns draw from past its highest values, so that the next insert after a
-- restore does not collide. A sequence is never moved back; one that counts down is moved further down. A value at its
-- very end does not count: behind it, the sequence could give out nothing. request: {schema, table}. Answers {advanced:
-- the sequences that were moved, unfinished: statements that would move the others, where finding the highest value of
-- a column without an index took longer than the caller is given}.
create or replace function public.supakeep_advance_sequences(request text)
returns json
language plpgsql volatile security invoker
set search_path = pg_catalog
set statement_timeout = '55s'
as $$
declare
  asked      jsonb := request;
  target     text := format('%I.%I', asked ->> 'schema', asked ->> 'table');
  owner      regclass := target::regclass;
  used       record;
  highest    text;
  within     text;
  furthest   bigint;
  behind     boolean;
  advanced   text[] := '{}';
  unfinished text[] := '{}';
begin
  for used in
    with owners as (select owner as relation),
-- include sequences.sql
    select column_name, name, seqmin, seqmax, seqincrement > 0 as upwards from sequences
  loop
    highest := format('%s(%I)', case when used.upwards then 'max' else 'min' end, used.column_name);
    within := format('%I between %s and %s', used.column_name,
                     used.seqmin + (not used.upwards)::int, used.seqmax - used.upwards::int);
    begin
      execute format('select %s from %s where %s', highest, target, within) into furthest;
      execute format('select $1 %s last_value or ($1 = last_value and not is_called) from %s',
                     case when used.upwards then '>' else '<' end, used.name)
        into behind using furthest;
      if behind then
        perform setval(used.name, furthest, true);
        advanced := advanced || used.name::text;
      end if;
    exception when query_canceled then
      unfinished := unfinished || format('select setval(%L, %s) from %s where %s;', used.name, highest, target, within);
    end;
  end loop;
  return json_build_object('advanced', to_json(advanced), 'unfinished', to_json(unfinished));
end
$$;
