-- Upserts the rows of one batch, all of them or none.
-- request: {schema, table, key, columns, text_columns (those that compare by their text), rows: text of a JSON array,
-- dry_run}.
--
-- Rows that are the same already are left alone: no dead tuples, and no trigger fires for them. What was written is
-- compared with what was given. Answers {inserted, updated, unchanged, altered, examples, missing}; `altered` rows were
-- written and then held other values than those given, as a trigger may see to. The examples are the first of these. Where
-- the database does not take one of the rows, it answers supakeep.refusal's. A dry run compares only; its examples are
-- the first rows that differ, and `missing` are the positions of the first that are not there.
--
-- Rows are parsed and compared under settings that say everything exactly. They are written under the caller's own,
-- which the user's code was made for; hence the qualified names, and functions with settings of their own.
create or replace function public.supakeep_upsert(request text)
returns json
language plpgsql volatile security invoker
set statement_timeout = '55s'
as $$
declare
  asked     pg_catalog.jsonb := request;
  given     pg_catalog.json := asked operator(pg_catalog.->>) 'rows';
  run       record;
  missing   bigint[];
  differing bigint[];
  meant     bigint[];
  lost      bigint[];
  altered   bigint[] := '{}';
  examples  pg_catalog.json := '[]';
  written   bigint;
  code      text;
  said      text;
  detail    text;
  hint      text;
  context   text;
  in_schema text;
  in_table  text;
  broken    text;
begin
  run := supakeep.upsert_statements(asked);
  begin
    select c.missing, c.differing into missing, differing from supakeep.compared(run.compare, given, null) c;
    meant := pg_catalog.array_cat(missing, differing);
    if pg_catalog.cardinality(meant) operator(pg_catalog.=) 0 then
      null;
    elsif (asked operator(pg_catalog.->>) 'dry_run')::boolean then
      -- what PostgreSQL refuses whatever the rows are, such as a rule of the table
      execute 'explain ' operator(pg_catalog.||) run.write using given, meant;
    else
      execute run.write using given, meant;
      get diagnostics written = row_count;
      set constraints all immediate;
      select c.missing, c.differing into lost, altered from supakeep.compared(run.compare, given, meant) c;
      if pg_catalog.cardinality(lost) operator(pg_catalog.>) 0
         or written operator(pg_catalog.<) pg_catalog.cardinality(meant) and pg_catalog.cardinality(altered) operator(pg_catalog.>) 0 then
        -- undoes the batch, so that the caller finds out which rows these are
        raise data_exception using message = 'a trigger of the table discarded the row';
      end if;
    end if;
    examples := supakeep.exactly(run.examples, given, (
      case when (asked operator(pg_catalog.->>) 'dry_run')::boolean then differing else altered end)[1:5]);
  exception when others or assert_failure then
    get stacked diagnostics code = returned_sqlstate, said = message_text, detail = pg_exception_detail,
      hint = pg_exception_hint, context = pg_exception_context,
      in_schema = schema_name, in_table = table_name, broken = constraint_name;
    return supakeep.refusal(asked, code, said, detail, hint, context, array[in_schema, in_table, broken]);
  end;
  return pg_catalog.json_build_object(
    'inserted', pg_catalog.cardinality(missing),
    'updated', pg_catalog.cardinality(differing),
    'unchanged', pg_catalog.json_array_length(given) operator(pg_catalog.-) pg_catalog.cardinality(meant),
    'altered', pg_catalog.cardinality(altered),
    'examples', coalesce(examples, '[]'),
    'missing', pg_catalog.array_to_json(missing[1:5]));
end
$$;
