-- Part of a query: the schemas, apart from pg_catalog, that hold the operators of the types in `keyed(type)`.
--
-- Keys compare as their types do. The operators of an extension's type, such as citext, stand in the extension's
-- schema: without it on the search path a citext would be compared as text, and ordered as citext. A domain compares
-- as the type below it, however many domains lie between.
unwrapped as (
  select k.type from keyed k
  union
  select t.typbasetype from unwrapped u join pg_type t on t.oid = u.type where t.typtype = 'd'),
operator_schemas as (
  select distinct n.nspname as name
    from unwrapped u
    join pg_amop o on o.amoplefttype = u.type
    join pg_operator p on p.oid = o.amopopr
    join pg_namespace n on n.oid = p.oprnamespace
   where n.nspname <> 'pg_catalog')
