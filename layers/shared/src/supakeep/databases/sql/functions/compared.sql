-- The positions of the rows that are not in the table, and of those that have other values there.
create or replace function supakeep.compared(
  statement text, given json, meant bigint[], out missing bigint[], out differing bigint[])
language plpgsql stable security invoker
set extra_float_digits = 3
as $$
begin
  execute statement into missing, differing using given, meant;
end
$$;
