-- The bucket is private, and no policy on storage.objects mentions it: only the secret key reaches it.
insert into storage.buckets (id, name, public)
values ('backups', 'backups', false)
on conflict (id) do nothing;

do $$
begin
  if exists (select from storage.buckets where id = 'backups' and public) then
    raise exception 'the bucket "backups" exists already and is public, so anyone could read the backups'
      using hint = 'Make it private, or name another bucket here and in the parameter BackupBucket.';
  end if;
end
$$;

-- The Data API reads and writes as service_role. It bypasses row level security but not grants, and since
-- 30 October 2026 a new table in `public` comes without any. A backup needs SELECT, a restore INSERT and UPDATE
-- (it never deletes), and UPDATE on sequences, which a restore moves past the highest id.
-- For other exposed schemas, repeat this with their names.
grant usage on schema public to service_role;

do $$
declare
  relation record;
begin
  for relation in
    select c.oid::regclass as name, c.relkind = 'S' as is_sequence
      from pg_class c
     where c.relnamespace = 'public'::regnamespace
       and c.relkind in ('r', 'p', 'S')
       -- what extensions own, such as PostGIS's spatial_ref_sys, is neither ours to grant nor worth a backup
       and pg_has_role(c.relowner, 'usage')
  loop
    if relation.is_sequence then
      execute format('grant usage, select, update on sequence %s to service_role', relation.name);
    else
      execute format('grant select, insert, update on table %s to service_role', relation.name);
    end if;
  end loop;
end
$$;

-- The same for tables that the role running this migration creates later, so that a new table does not turn
-- tomorrow's backup into a partial one. It exposes nothing to anon or authenticated. Leave these lines out if you want to
-- grant every table by hand: the backup then names each table that it may not read, with the GRANT that it lacks.
alter default privileges in schema public grant select, insert, update on tables to service_role;
alter default privileges in schema public grant usage, select, update on sequences to service_role;
