-- Keeps a table as it is until the transaction ends, and refuses one that was rewritten or emptied after the snapshot was
-- taken: TRUNCATE and a rewriting ALTER are not of one moment with a snapshot, to which the table then looks empty. Who
-- waits for one of them and asks again sees the rows.
--
-- It is the first statement about the table, and so the one for which the server reads the expressions of its indexes,
-- once in a session. They were written for the search path of the role's own sessions; under another one it may not find
-- what their functions name without a schema.
create or replace function supakeep.hold(relation regclass)
returns void
language plpgsql stable security invoker
set search_path = pg_catalog
as $$
declare
  rows text := supakeep.own_rows(relation);
begin
  perform set_config('search_path', (select reset_val from pg_settings where name = 'search_path'), true);
  execute 'select from ' operator(pg_catalog.||) rows operator(pg_catalog.||) ' limit 0';
  perform pg_catalog.set_config('search_path', 'pg_catalog', true);
  -- pg_relation_filenode says what is committed, pg_class what the snapshot sees
  if exists (select from (select relation as oid union select relid from pg_partition_tree(relation)) own
               left join pg_class c on c.oid = own.oid
              where pg_relation_filenode(own.oid) is distinct from nullif(c.relfilenode, 0)) then
    raise lock_not_available using message = format('%s was rewritten or emptied just now', relation);
  end if;
end
$$;
