-- The rows of a JSON array as rows of a table, read as the backup wrote them. Checks of domains run here, and therefore
-- all other settings are the caller's.
create or replace function supakeep.given_rows(shape anyelement, given json)
returns setof anyelement
language sql stable security invoker
set intervalstyle = 'postgres'
set xmloption = 'content'
as $$ select * from pg_catalog.json_populate_recordset(shape, given) $$;
