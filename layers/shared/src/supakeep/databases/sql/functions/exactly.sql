-- What a statement of an upsert answers, under settings by which two values that differ have different texts.
create or replace function supakeep.exactly(statement text, given json, meant bigint[])
returns json
language plpgsql stable security invoker
set extra_float_digits = 3
as $$
declare
  answer pg_catalog.json;
begin
  execute statement into answer using given, meant;
  return answer;
end
$$;
