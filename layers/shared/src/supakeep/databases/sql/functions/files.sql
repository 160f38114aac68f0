-- The files of a table that is held, and of its partitions, by OID. TRUNCATE and a rewrite give it new ones; a partition
-- that is dropped or detached takes its own along.
create or replace function supakeep.files(relation regclass)
returns json
language sql stable security invoker
set search_path = pg_catalog
as $$
  select json_object_agg(own.oid::bigint, pg_relation_filenode(own.oid)::bigint)
    from (select relation as oid union select relid from pg_partition_tree(relation)) own
$$;
