"""A type as extensions make them."""

# what citext is made of, for a server that does not ship it: text that compares without case
CASELESS = """
create type {schema}.caseless;
create function {schema}.caseless_in(cstring) returns {schema}.caseless
  language internal immutable strict as 'textin';
create function {schema}.caseless_out({schema}.caseless) returns cstring
  language internal immutable strict as 'textout';
create function {schema}.caseless_recv(internal) returns {schema}.caseless
  language internal stable strict as 'textrecv';
create type {schema}.caseless (input = {schema}.caseless_in, output = {schema}.caseless_out,
  receive = {schema}.caseless_recv, like = text);
create cast ({schema}.caseless as text) without function as implicit;
create function {schema}.cl_cmp({schema}.caseless, {schema}.caseless) returns int language sql immutable
  as $$ select bttextcmp(lower($1::text), lower($2::text)) $$;
create function {schema}.cl_lt({schema}.caseless, {schema}.caseless) returns bool language sql immutable
  as $$ select lower($1::text) < lower($2::text) $$;
create function {schema}.cl_le({schema}.caseless, {schema}.caseless) returns bool language sql immutable
  as $$ select lower($1::text) <= lower($2::text) $$;
create function {schema}.cl_eq({schema}.caseless, {schema}.caseless) returns bool language sql immutable
  as $$ select lower($1::text) = lower($2::text) $$;
create function {schema}.cl_ge({schema}.caseless, {schema}.caseless) returns bool language sql immutable
  as $$ select lower($1::text) >= lower($2::text) $$;
create function {schema}.cl_gt({schema}.caseless, {schema}.caseless) returns bool language sql immutable
  as $$ select lower($1::text) > lower($2::text) $$;
create operator {schema}.< (leftarg = {schema}.caseless, rightarg = {schema}.caseless, function = {schema}.cl_lt);
create operator {schema}.<= (leftarg = {schema}.caseless, rightarg = {schema}.caseless, function = {schema}.cl_le);
create operator {schema}.= (leftarg = {schema}.caseless, rightarg = {schema}.caseless, function = {schema}.cl_eq);
create operator {schema}.>= (leftarg = {schema}.caseless, rightarg = {schema}.caseless, function = {schema}.cl_ge);
create operator {schema}.> (leftarg = {schema}.caseless, rightarg = {schema}.caseless, function = {schema}.cl_gt);
create operator class {schema}.caseless_ops default for type {schema}.caseless using btree as
  operator 1 {schema}.<, operator 2 {schema}.<=, operator 3 {schema}.=, operator 4 {schema}.>=, operator 5 {schema}.>,
  function 1 {schema}.cl_cmp({schema}.caseless, {schema}.caseless);
"""

# what PostGIS and hstore have besides: a cast to json that says less than the type's text
LOSSY_JSON = """
create function {schema}.cl_json({schema}.caseless) returns json language sql immutable
  as $$ select json_build_object('lower', lower($1::text)) $$;
create cast ({schema}.caseless as json) with function {schema}.cl_json({schema}.caseless);
"""
