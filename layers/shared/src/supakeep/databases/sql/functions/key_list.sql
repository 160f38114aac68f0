-- A key's columns of `t` as SQL lists them: `t.a, t.b`; with another form each as that form has it (`t.%I::text`).
create or replace function supakeep.key_list(key text[], form text default 't.%I')
returns text
language sql immutable security invoker
set search_path = pg_catalog
as $$
  select string_agg(format(form, k), ', ' order by i) from unnest(key) with ordinality u(k, i)
$$;
