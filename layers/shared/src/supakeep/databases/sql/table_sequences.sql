-- The sequences of the table $1 (a regclass), with what the caller may do with them.
with owners as (select $1::regclass as relation),
-- include sequences.sql
select column_name, name, seqincrement, seqmin, seqmax,
       has_sequence_privilege(relation, 'select') and has_sequence_privilege(relation, 'update')
  from sequences
