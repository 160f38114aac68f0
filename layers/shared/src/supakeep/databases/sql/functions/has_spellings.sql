-- Whether two values of a key's column may be equal and have different texts, as 1.0 and 1.00: all types but those whose
-- operator class says that equal values are the same bytes, which for text depends on the collation. Up to PostgreSQL 15
-- that of intervals says so too, and is wrong: 1 day equals 24 hours.
create or replace function supakeep.has_spellings(relation regclass, attnum smallint)
returns boolean
language sql stable security invoker
set search_path = pg_catalog
as $$
  select not coalesce(bool_and(
           p.amproc = 'btequalimage'::regproc and c.opcintype <> 'interval'::regtype
           or p.amproc = 'btvarstrequalimage'::regproc and coalesce(l.collisdeterministic, true)), false)
    from pg_index x
    cross join lateral unnest(x.indkey::int2[], x.indclass::oid[], x.indcollation::oid[]) k(attnum, opclass, sorted_by)
    join pg_opclass c on c.oid = k.opclass
    left join pg_amproc p on p.amprocfamily = c.opcfamily and p.amprocnum = 4
                         and p.amproclefttype = c.opcintype and p.amprocrighttype = c.opcintype
    left join pg_collation l on l.oid = k.sorted_by
   where x.indrelid = relation and x.indisprimary and k.attnum = has_spellings.attnum
$$;
