-- Part of a query: the sequences that the columns of the tables in `owners(relation)` draw from: an identity's or a
-- serial column's own, and those that a default names.
sequences as (
  select distinct a.attname as column_name, c.oid::regclass as relation,
         format('%I.%I', n.nspname, c.relname) as name, s.seqincrement, s.seqmin, s.seqmax
    from owners
    join pg_attribute a on a.attrelid = owners.relation
    join pg_type t on t.oid = a.atttypid
    left join pg_attrdef f on f.adrelid = a.attrelid and f.adnum = a.attnum
    join pg_depend d
      on d.refclassid = 'pg_class'::regclass and d.refobjid = a.attrelid
         and d.refobjsubid = a.attnum and d.classid = 'pg_class'::regclass and d.deptype in ('a', 'i')
      or d.classid = 'pg_attrdef'::regclass and d.objid = f.oid
         and d.refclassid = 'pg_class'::regclass and d.deptype = 'n'
    join pg_sequence s on s.seqrelid = case d.classid when 'pg_class'::regclass then d.objid else d.refobjid end
    join pg_class c on c.oid = s.seqrelid
    join pg_namespace n on n.oid = c.relnamespace
   where a.attnum > 0 and not a.attisdropped
     and coalesce(nullif(t.typbasetype, 0), t.oid) in ('int2'::regtype, 'int4'::regtype, 'int8'::regtype))
