-- The policies on storage.objects that decide what a role may read.
create or replace function supakeep.reading_policies(caller text)
returns setof pg_policy
language sql stable security invoker
set search_path = pg_catalog
as $$
  select p.*
    from pg_policy p
   where p.polrelid = 'storage.objects'::regclass and p.polcmd in ('r', '*') and p.polqual is not null
     and exists (select from unnest(p.polroles) r(role) where r.role = 0 or pg_has_role(caller, r.role, 'usage'))
$$;
