-- The columns of a table that is held, each as [name, type]. Volatile, so that it sees what was committed while the
-- statement that calls it waited.
create or replace function supakeep.columns(relation regclass)
returns json
language plpgsql volatile security invoker
set search_path = pg_catalog
as $$
begin
  return (select coalesce(json_agg(json_build_array(attname, format_type(atttypid, atttypmod)) order by attnum), '[]')
            from pg_attribute
           where attrelid = relation and attnum > 0 and not attisdropped);
end
$$;
