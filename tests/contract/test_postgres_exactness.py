"""Every value comes back byte for byte through a backup and a restore by the postgres engine."""

from __future__ import annotations

import json

import pytest

from supakeep.domain.row_changes import RestoreMode
from tests.builders.backups import tables_in
from tests.builders.postgres_project import PostgresProject

pytestmark = pytest.mark.integration

# values of type json, and whether a row holds them as text
JSON_VALUES = {
    r'{"a": "\u0000"}': True,
    r'{"\u0000": 1}': True,
    r'"\ud800"': True,
    r'"\udc00"': True,
    r'"\udc00\ud800"': True,
    r'"\ud83d\ud83d\ude00"': True,
    r'"\\ud83d\udc00"': True,
    r'"\uD83D\\uDC00"': True,
    '{\n  "a":\r\n 1}': True,
    ' {"a":1}': True,
    "[1]\t": True,
    "[1] ": True,
    "null ": True,
    "\nnull": True,
    r'"\ud83d\ude00 \u00e9 \"\\"': False,
    r'"line\nbreak and {\"a\"}"': False,
    '{"a" : [1 , 2.50], "a":\t1E400}': False,
    '"!"': False,
    "-0": False,
    "null": False,
}


@pytest.mark.parametrize("type_", ["json", "document", "json not null"])
def test_a_json_value_comes_back_with_every_character(project: PostgresProject, type_: str) -> None:
    nullable = "not null" not in type_
    project.sql(
        "create domain document as json;"
        f"create table t (id int primary key, value {type_}, other json)"
    )
    values = [*JSON_VALUES, *[None] * nullable]
    with project.owner.cursor() as cursor:
        cursor.executemany("insert into t values (%s, %s, 'null')", list(enumerate(values)))

    backup = project.back_up()
    project.sql("delete from t where id % 2 = 0; update t set value = '0'")
    report = project.restore(backup, mode=RestoreMode.REPLACE)

    found = project.rows("select value::text, other::text from t order by id")
    assert found == [(value, "null") for value in values]
    rows = tables_in(*backup)["public.t"]["rows"]
    assert ["value" in row[""].get("text", []) for row in rows] == [
        bool(value and JSON_VALUES[value]) for value in values
    ]
    assert [table.unchanged for table in report.tables] == [0]
    again = project.restore(backup, mode=RestoreMode.REPLACE)
    assert [table.unchanged for table in again.tables] == [len(values)]


def test_the_unnamed_member_is_there_only_where_it_says_something(project: PostgresProject) -> None:
    project.sql(
        "create table t (id int primary key, a json, b jsonb);"
        "insert into t values (1, '1', '1'), (2, 'null', null), (3, ' 1', 'null'), (4, ' 1', '2')"
    )

    backup = project.back_up()

    rows = tables_in(*backup)["public.t"]["rows"]
    assert [row.get("") for row in rows] == [
        None,
        {"null": ["a"]},
        {"null": ["b"], "text": ["a"]},
        {"text": ["a"]},
    ]


# a stand-in for hstore: its cast to json says less than its text, which is what counts
PAIRS = """
create type pairs;
create function pairs_in(cstring) returns pairs language internal immutable strict as 'textin';
create function pairs_out(pairs) returns cstring language internal immutable strict as 'textout';
create type pairs (input = pairs_in, output = pairs_out, like = text);
create function pairs_json(pairs) returns json language sql immutable as $$ select '{"lossy": true}'::json $$;
create cast (pairs as json) with function pairs_json(pairs)
"""
AWKWARD = {
    "pairs": r""" '"a"=>NULL, "b"=>"\"{}, NULL"' """,
    "pairs[]": r""" array['"a"=>"1,2"', null, 'NULL', '']::pairs[] """,
    "holder": r""" row(
        '"a"=>"(,)"', '{"x": "\u0000"}', array['null'::jsonb, null], array['"a"=>"1"']::pairs[]
    )::holder """,
    "holder[]": r""" array[row('"a"=>NULL', E'[1,\n2]', null, null)::holder, null] """,
    "jsonb[]": r""" array['null'::jsonb, null, '"NULL"', '{"a": null}'] """,
    "json[]": r""" array['null'::json, null, E'{"a":\n"\\u0000"}', '[1]'] """,
    "int[]": "'[0:1]={1,2}'::int[]",
}


def test_awkward_values_come_back_beside_a_column_named_r(project: PostgresProject) -> None:
    project.superuser(PAIRS)
    project.superuser("create type holder as (p pairs, j json, js jsonb[], ps pairs[])")
    names = ["r", "t", "e", "line", "k", "n", "value"]
    columns = ", ".join(f"{name} {type_}" for name, type_ in zip(names, AWKWARD, strict=True))
    values = ", ".join(AWKWARD.values())
    project.sql(f"create table t (id int primary key, {columns}, doc json)")
    project.sql(f"insert into t values (1, {values}, ' [1]'), (3, {values}, 'null')")
    project.sql("insert into t values (2)")
    query = (
        f"select id, {', '.join(f't.{name}::text' for name in [*names, 'doc'])} from t order by id"
    )
    before = project.rows(query)

    backup = project.back_up()
    project.sql("update t set r = null, t = null; delete from t where id = 3")
    project.restore(backup)

    assert project.rows(query) == before
    assert project.restore(backup).tables[0].unchanged == 3


def test_a_text_that_only_looks_like_a_list_of_columns_is_none(project: PostgresProject) -> None:
    project.sql("create table t (id int primary key, doc json, note text)")
    tricky = json.dumps({"": {"text": ["note"], "null": ["doc"]}}, separators=(",", ":"))
    project.owner.execute("insert into t values (1, %s, %s)", [tricky, tricky])

    backup = project.back_up()
    project.sql("delete from t")
    project.restore(backup)

    assert project.rows("select doc::text, note from t") == [(tricky, tricky)]
