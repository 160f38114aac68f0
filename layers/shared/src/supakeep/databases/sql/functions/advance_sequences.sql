-- Moves the sequences that a table's columns draw from past its highest values, so that the next insert after a
-- restore does not collide. A sequence is never moved back; one that counts down is moved further down.
create or replace function public.supakeep_advance_sequences(request text)
returns json
language plpgsql volatile security invoker
set search_path = pg_catalog
set statement_timeout = '55s'
as $$
declare
  asked    jsonb := request;
  owner    regclass := format('%I.%I', asked ->> 'schema', asked ->> 'table')::regclass;
  used     record;
  furthest bigint;
  behind   boolean;
  advanced text[] := '{}';
begin
  for used in
    with owners as (select owner as relation),
-- include sequences.sql
    select column_name, relation as sequence_name, seqincrement > 0 as upwards from sequences
  loop
    execute format('select %s(%I) from %s', case when used.upwards then 'max' else 'min' end, used.column_name, owner)
      into furthest;
    execute format('select $1 %s last_value or ($1 = last_value and not is_called) from %s',
                   case when used.upwards then '>' else '<' end, used.sequence_name)
      into behind using furthest;
    if behind then
      perform setval(used.sequence_name, furthest, true);
      advanced := advanced || used.sequence_name::text;
    end if;
  end loop;
  return json_build_object('advanced', to_json(advanced));
end
$$;
