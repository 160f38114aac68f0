-- The bucket is private: only the secret key reaches it, unless a policy on storage.objects opens every bucket.
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

-- Tried, and not read out of the policies: an object that is never committed, seen through the eyes of a visitor and of
-- a user who logged in.
do $$
declare
  visitor  text;
  is_seen  boolean;
  policies text;
begin
  foreach visitor in array array['anon', 'authenticated'] loop
    is_seen := false;
    begin
      insert into storage.objects (bucket_id, name) values ('backups', 'daily/seen-by-nobody');
      perform set_config('request.jwt.claims', json_build_object('role', visitor, 'sub', gen_random_uuid())::text, true);
      execute format('set local role %I', visitor);
      select exists (select from storage.objects where bucket_id = 'backups' and name = 'daily/seen-by-nobody') into is_seen;
      raise exception using errcode = 'SK001', message = 'undoes the object and the role';
    exception
      when sqlstate 'SK001' or insufficient_privilege then null;
      when others then raise warning 'whether % may read the backups could not be tried: %', visitor, sqlerrm;
    end;
    if is_seen then
      select string_agg(quote_ident(policyname), ', ' order by policyname) into policies
        from pg_policies
       where schemaname = 'storage' and tablename = 'objects' and cmd in ('SELECT', 'ALL') and permissive = 'PERMISSIVE'
         and roles && array['public', visitor]::name[];
      raise exception 'the role "%" may read every backup: a policy on storage.objects applies to the bucket "backups" (%)',
                      visitor, coalesce(policies, 'row-level security is off')
        using hint = 'Restrict the policy to its own bucket, for example: using (bucket_id = ''avatars'').';
    end if;
  end loop;
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
