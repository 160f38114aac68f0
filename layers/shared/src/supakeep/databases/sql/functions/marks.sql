-- What the member without a name says of each row of a JSON array.
create or replace function supakeep.marks(given json)
returns table (place bigint, line json, nulls jsonb, texts jsonb)
language sql stable security invoker
set search_path = pg_catalog
as $$
  select place, line,
         case json_typeof(line -> '') when 'array' then line -> '' else line -> '' -> 'null' end::jsonb,
         (line -> '' -> 'text')::jsonb
    from json_array_elements(given) with ordinality as row(line, place)
$$;
