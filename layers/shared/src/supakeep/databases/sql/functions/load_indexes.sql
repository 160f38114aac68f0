-- Lets the server read the expressions of a table's indexes under the search path of the role's own sessions, for which
-- they were written. It reads them once in a session, when it first plans a statement about the table, and under any
-- other path it may not find what their functions name without a schema.
create or replace function supakeep.load_indexes(relation regclass)
returns void
language plpgsql stable security invoker
set search_path = pg_catalog
as $$
declare
  target text := supakeep.own_rows(relation);
begin
  if exists (select from pg_partition_tree(relation) p
               right join pg_index i on i.indrelid = p.relid
              where (i.indrelid = p.relid or i.indrelid = relation)
                and (i.indexprs is not null or i.indpred is not null)) then
    perform set_config('search_path', (select reset_val from pg_settings where name = 'search_path'), true);
    execute 'select from ' || target || ' limit 0';
  end if;
end
$$;
