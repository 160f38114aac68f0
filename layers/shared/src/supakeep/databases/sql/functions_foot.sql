-- Earlier versions had these.
drop function if exists public.supakeep_search_path(regclass, text[]);
drop function if exists public.supakeep_text_columns(regclass);
drop function if exists public.supakeep_own_rows(regclass);
drop function if exists public.supakeep_key_values(regclass, text[], jsonb);
drop function if exists public.supakeep_bound(text);

revoke all on schema supakeep from public, anon, authenticated;
grant usage on schema supakeep to service_role;
revoke execute on all functions in schema supakeep from public, anon, authenticated;
grant execute on all functions in schema supakeep to service_role;
revoke execute on function {endpoints} from public, anon, authenticated;
grant execute on function {endpoints} to service_role;
-- PostgREST caches which functions exist.
notify pgrst, 'reload schema';
