-- Which policies let others than the secret key read the backups: {policies: [name…]}, by the names of the policies on
-- storage.objects under which a visitor or a user who logged in sees an object of the bucket. request: {bucket}.
--
-- A policy's condition is asked about an object that does not exist, with the claims of such a caller: its text says
-- little, since `owner = auth.uid()` names no bucket and opens none.
create or replace function public.supakeep_open_policies(request text)
returns json
language plpgsql stable security invoker
set search_path = pg_catalog
set statement_timeout = '10s'
as $$
declare
  asked  jsonb := request;
  object jsonb := jsonb_build_object('id', gen_random_uuid(), 'bucket_id', asked ->> 'bucket',
                                     'name', 'daily/seen-by-nobody', 'owner', gen_random_uuid(),
                                     'owner_id', gen_random_uuid(), 'metadata', '{}'::jsonb);
  caller text;
  closed text;
  policy record;
  opens  boolean;
  found  text[] := '{}';
begin
  foreach caller in array array['anon', 'authenticated'] loop
    continue when to_regrole(caller) is null;
    if not (select relrowsecurity from pg_class where oid = 'storage.objects'::regclass) then
      found := found || case when has_table_privilege(caller, 'storage.objects', 'select')
                             then array['row-level security is off'] else '{}' end;
      continue;
    end if;
    perform set_config('request.jwt.claims', claims::text, true), set_config('request.jwt.claim.role', caller, true),
            set_config('request.jwt.claim.sub', coalesce(claims ->> 'sub', ''), true)
       from (select json_build_object('role', caller, 'sub', case caller when 'authenticated' then gen_random_uuid() end)
                    as claims) c;
    closed := coalesce((select string_agg('(' || pg_get_expr(polqual, polrelid) || ')', ' and ')
                          from supakeep.reading_policies(caller) where not polpermissive), 'true');
    for policy in select polname, pg_get_expr(polqual, polrelid) as condition
                    from supakeep.reading_policies(caller) where polpermissive loop
      begin
        execute format('select coalesce((%s) and (%s), false) from jsonb_populate_record(null::storage.objects, $1) objects',
                       policy.condition, closed) into opens using object;
      exception when others then
        opens := false;
      end;
      found := found || case when opens then array[policy.polname::text] else '{}' end;
    end loop;
  end loop;
  return json_build_object('policies', array(select distinct name from unnest(found) name order by name));
end
$$;
