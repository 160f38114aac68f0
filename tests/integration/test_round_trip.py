"""Backup, wipe, restore: afterwards `pg_dump --data-only` cannot tell that anything happened."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from supakeep.domain.row_changes import RestoreMode
from tests.builders.postgres_project import PostgresProject

pytestmark = [pytest.mark.integration, pytest.mark.enable_socket]

TYPES = r"""
create type mood as enum ('fine', 'it''s "odd"', 'NULL', '');
create type pair as (a int, b text);
create type address as (street text, number int, tags text[], extra jsonb, home pair);
create type nothing as ();
create domain price as numeric check (value > 0);
create domain label as text not null;
create domain document as jsonb;
create domain strict_document as document check (value is not null);
create domain ints as int[];
create domain place as address;
create domain place_of_place as place;
create type floats as range (subtype = float8);
"""
# type: values as SQL writes them
VALUES: dict[str, list[str]] = {
    "smallint": ["32767", "-32768"],
    "integer": ["2147483647", "-2147483648"],
    "bigint": ["9223372036854775807", "-9223372036854775808", "9007199254740993", "0"],
    "numeric": [
        "0", "-0.0", "1.10", "1.100", "0.000", "1e-400", "'1e1000'", "'NaN'", "'Infinity'", "'-Infinity'",
        "repeat('9', 1000)::numeric", "('-0.' || repeat('7', 1000))::numeric",
        "(repeat('1', 131072) || '.' || repeat('2', 16383))::numeric",
    ],
    "numeric(12,4)": ["99999999.9999", "-0.0001", "12.3000", "'NaN'"],
    "numeric(3,-2)": ["99900"],
    "double precision": [
        "0.1", "'4.9e-324'", "1e-320", "1.7976931348623157e308", "'-0'", "'NaN'", "'Infinity'",
        "'-Infinity'", "2.2250738585072014e-308", "1e15", "123456789012345680", "-1e-7",
    ],
    "real": ["0.1", "3.4028235e38", "1e-45", "'-0'", "'NaN'", "'Infinity'", "16777217"],
    "money": ["'12345.67'", "'-0.01'", "'92233720368547758.07'", "'-92233720368547758.08'"],
    "boolean": ["true", "false"],
    "text": [
        "''", "' '", "'null'", "'NULL'", r"'\N'", r"'\.'", r"E'a\n\\.\nb'", r"E'\\\\N\\\\'",
        r"E'line\nbreak\r\n\ttab\v\f\b'", """'quote " and '' and \\ and /'""",
        r"(select string_agg(chr(c), '') from generate_series(1, 255) c)",
        r"E'\x02\x01\x02'", r"E'\u2028\u2029\ufeff\u200b\ufffd'", "'ünïcödé 漢字 🎉 عربى 👩‍👩‍👧‍👦'",
        r"'\u0001'", r"'\\u0000'", "'{\"not\": \"json\"}'", r"E'},\n{'", r"E']}\n,\"\":[\"value\"]}'",
        "repeat('long ', 20000)", "repeat(md5('x') || E'\\n\\\\', 60000)",
    ],
    "varchar(20)": ["'trailing  '", "''"],
    "char(5)": ["'ab'", "''"],
    '"char"': ["'a'", "'\"'", r"'\'", "''"],
    "name": ["'x'", "repeat('n', 63)"],
    "bytea": [r"'\x'", r"'\x00ff5c220a'", "decode(repeat('00ff5c', 400000), 'hex')"],
    "uuid": ["'00000000-0000-0000-0000-000000000000'", "'FFFFFFFF-ffff-ffff-ffff-ffffffffffff'"],
    "date": ["'2026-02-28'", "'0044-03-15 BC'", "'infinity'", "'-infinity'", "'5874897-12-31'", "'4713-11-24 BC'"],
    "timestamptz": [
        "'2026-11-22 03:00:00.123456+14'", "'0044-03-15 12:00:00+00 BC'", "'infinity'", "'-infinity'",
        "'1883-11-18 12:03:58-04:56:02'", "'294276-12-31 23:59:59.999999+00'", "'4713-11-24 00:00+00 BC'",
    ],
    "timestamp": [
        "'2026-03-29 02:30:00'", "'0001-01-01 00:00:00.000001 BC'", "'infinity'", "'294276-12-31 23:59:59.999999'",
    ],
    "timestamp(0)": ["'2026-03-29 02:30:00'"],
    "time": ["'23:59:59.999999'", "'24:00:00'", "'0:0'"],
    "timetz": ["'12:00:00+05:30'", "'24:00:00-15:59:59'", "'00:00:00+15:59:59'"],
    "interval": [
        "'1 year -2 mons +3 days 04:05:06.000007'", "'-1 day'", "'0'", "'-1 year +1 mon -1 day +00:00:01'",
        "'178000000 years'", "'-178000000 years'", "'1 mon -0.000001 sec'", "'2562047788:00:54.775807'",
    ],
    "interval day to second(0)": ["'3 days 4:05:06'"],
    "json": [
        "'{\"a\": 1, \"a\": 2}'", "'{\"n\": 1.10, \"big\": 123456789012345678901234567890}'", "'[1e400, -0, 1E+2]'",
        "'\"text\"'", r"""'"\u00f5\/\t"'""", "'[ 1 ,2 ]'",
        "'null'", r"""'{"\u0001": "\ud83c\udf89 \/"}'""", "'\"null\"'", "'false'", "'0'",
        "'{\"\": [\"value\"]}'", "'{}'", "'[]'", "repeat('[', 800)::text || repeat(']', 800)",
    ],
    "jsonb": [
        "'{\"n\": 1.10, \"big\": 123456789012345678901234567890.5}'", "'[]'", "'\"\"'", "'{\"z\": null}'", "'1e400'",
        r"""'{"é\\n": "\\u0001\u0001"}'""", "'null'", "'\"null\"'", "'[null]'", "'true'", "'{\"\": [\"value\"]}'",
        "to_jsonb(repeat('wide', 300000))", "(repeat('[', 3000) || repeat(']', 3000))::jsonb",
    ],
    "jsonpath": ["'$.a[*] ? (@ > 1)'"],
    "xml": ["'<a b=\"c\">&amp;</a>'", "'text only'", "'<?xml version=\"1.0\"?><a/>'", r"E'<a>\n</a>'"],
    "int[]": [
        "'{}'", "'[0:2]={1,2,3}'", "'[-5:-4]={1,null}'", "'[1:2][0:1]={{1,2},{3,4}}'", "'{{{1},{2}},{{3},{4}}}'",
        "'[10:10]={7}'", "'[2:2][1:1]={{null}}'", "'{null}'", "array[[1,2],[3,4]]", "'[1:2][1:1]={{1},{2}}'",
    ],
    "text[]": [
        "'{}'", "array['a', null, 'NULL', '', '{', '\"', ',', '\\', '[0:1]={a,b}']", "array[['a','b'],['c',null]]",
        r"array[E'line\nbreak', E'\x01']", "'[3:4]={\"[1:1]\",NULL}'",
    ],
    "numeric[]": ["array[1.10, 12345678901234567890.1, 'NaN']"],
    "float8[]": ["'{-0,NaN,Infinity,4.9e-324,0.1}'"],
    "boolean[]": ["'{t,f,null}'"],
    "char(3)[]": ["'{a,\"\"}'"],
    "timestamptz[]": ["'{infinity,2026-01-01,0044-03-15 BC}'"],
    "json[]": ["array['{\"a\": 1.0}'::json, null, 'null', '[1, 2]', '[[1],[2]]']", "'{}'"],
    "jsonb[]": ["array['{\"a\": 1.0}'::jsonb, null, 'null', '[1]', '[2]']", "'[0:0]={null}'"],
    "bytea[]": [r"array['\x00'::bytea, '\x']"],
    "money[]": ["'{1.00,-2}'"],
    "int4range": ["'[1,5)'", "'empty'", "'(,)'"],
    "numrange": ["'(1.10,1.2]'"],
    "daterange": ["'[0044-03-15 BC,infinity)'", "'[-infinity,infinity]'"],
    "tsrange": ["'(\"2026-01-01 00:00:00.1\",)'"],
    "tstzrange": ["'[2026-01-01 00:00+00,)'"],
    "floats": ["'[-Infinity,NaN]'", "'[-0,0.1)'"],
    "int4multirange": ["'{}'", "'{[1,2),[5,)}'"],
    "nummultirange": ["'{[1.10,2.0),(3,4]}'"],
    "int4range[]": ["'{\"[1,2)\",empty,null}'"],
    "inet": ["'192.168.0.1/24'", "'::1'", "'10.0.0.1'", "'::ffff:1.2.3.4/128'"],
    "cidr": ["'10.0.0.0/8'", "'2001:db8::/32'"],
    "macaddr": ["'08:00:2b:01:02:03'"],
    "macaddr8": ["'08:00:2b:01:02:03:04:05'"],
    "bit(4)": ["b'0101'"],
    "varbit": ["b''", "b'10101'"],
    "bit(3)[]": ["array[b'101']"],
    "point": ["'(0.1,-2)'", "'(NaN,Infinity)'", "'(-0,4.9e-324)'"],
    "line": ["'{1,-1,0.1}'"],
    "lseg": ["'[(0,0),(1,0.1)]'"],
    "box": ["'(1,1),(0,0)'"],
    "box[]": ["'{(1,1),(0,0);(2,2),(1,1)}'"],
    "path": ["'((0,0),(1,1))'", "'[(0,0),(1,1)]'"],
    "polygon": ["'((0,0),(1,1),(1,0))'"],
    "circle": ["'<(0.1,2),1e-10>'"],
    "tsvector": ["'a:1 b:2A ''quo ted'':3'", "''", "E'''\\\\\\\\'''"],
    "tsquery": ["'a & !b'", "'a <2> b:*AB'"],
    "oid": ["4294967295"],
    "regclass": ["'pg_class'", "'public.table_1'"],
    "regtype": ["'integer'", "'mood'"],
    "regprocedure": ["'lower(text)'"],
    "regrole": ["'postgres'"],
    "xid": ["'4294967295'"],
    "xid8": ["'18446744073709551615'"],
    "cid": ["'7'"],
    "tid": ["'(4294967295,65535)'"],
    "txid_snapshot": ["'10:20:10,14,15'"],
    "pg_snapshot": ["'10:20:10,14,15'"],
    "pg_lsn": ["'16/B374D848'", "'FFFFFFFF/FFFFFFFF'"],
    "int2vector": ["'1 2 3'", "''"],
    "oidvector": ["'1 4294967295'"],
    "mood": ["'it''s \"odd\"'", "''", "'NULL'"],
    "mood[]": ["array['fine'::mood, '', 'NULL', null]"],
    "price": ["12.3400"],
    "price[]": ["'{1.10}'", "'[0:0]={2.20}'"],
    "document": ["'null'", "'[1]'", "'\"x\"'"],
    "document[]": ["array['null'::document, null, '[1]']"],
    "strict_document": ["'{}'"],
    "ints": ["'{}'", "'[0:1]={1,2}'", "'{{1},{2}}'"],
    "ints[]": ["array['{1,2}'::ints, '[0:0]={3}', null, '{}']"],
    "pair": ["row(1, 'x')", "row(null, null)", "row(2, null)", r"row(3, E'\"quo\\\\te,\n)')"],
    "address": [
        "row('a \"street\"', 007, '[0:0]={x}', 'null', row(1, ''))", "row(null, null, array['x', null], '[1]', null)",
        "row(null, null, null, null, row(null, null))",
    ],
    "pair[]": ["array[row(1, 'a,b')::pair, null, row(null, null)]", "'{}'"],
    "address[]": ["array[row('a,b', 1, null, 'null', null)::address]"],
    "place": ["row('x', 1, '{}', '{}', null)"],
    "place_of_place": ["row('x', 1, '{}', 'null', null)"],
    "nothing": ["row()"],
}  # fmt: skip
SCHEMAS = ("public", "Other Schema")


def make_a_table_of_every_type(project: PostgresProject) -> list[str]:
    """Tables with a row for every value, and one without any value."""
    project.sql(TYPES)
    types = [name for name in VALUES if name != "xml" or has_xml(project)]
    for number, type_ in enumerate(types):
        values = VALUES[type_]
        missing = "null" if type_ != "strict_document" else "'1'"
        rows = ", ".join(f"({i}, ({value})::{type_})" for i, value in enumerate([*values, missing]))
        project.sql(
            f"create table table_{number} (id int primary key, value {type_}); "
            f"insert into table_{number} values {rows}"
        )
    return [f"public.table_{number}" for number in range(len(types))]


def has_xml(project: PostgresProject) -> bool:
    """The wheel's servers are built without; Debian's has it."""
    try:
        project.sql("select '<a/>'::xml")
    except psycopg.errors.FeatureNotSupported:
        return False
    return True


def test_every_value_of_every_type_comes_back_as_it_was(any_project: PostgresProject) -> None:
    tables = make_a_table_of_every_type(any_project)
    before = any_project.dump()

    backup = any_project.back_up()
    any_project.sql("truncate " + ", ".join(tables))
    emptied = any_project.dump()
    any_project.restore(backup)

    assert any_project.dump() == before != emptied


def test_every_value_of_every_type_is_recognized_as_the_same_and_corrected_where_it_is_not(
    project: PostgresProject,
) -> None:
    tables = make_a_table_of_every_type(project)
    before = project.dump()
    backup = project.back_up()

    same = project.restore(backup)
    for table in tables:
        project.sql(f"update {table} set value = (select value from {table} where id = 0)")
    mended = project.restore(backup)

    assert {(t.inserted, t.updated, t.deleted) for t in same.tables} == {(0, 0, 0)}
    assert all(1 <= table.updated < table.rows_in_backup for table in mended.tables)
    assert project.dump() == before


def test_an_awkward_schema_comes_back_as_it_was(any_project: PostgresProject) -> None:
    make_an_awkward_schema(any_project)
    before = any_project.dump()
    backup = any_project.back_up(schemas=SCHEMAS)

    empty(any_project)
    emptied = any_project.dump()
    any_project.restore(backup, mode=RestoreMode.REPLACE)
    refilled = any_project.dump()
    again = any_project.restore(backup, mode=RestoreMode.REPLACE)

    assert refilled == before != emptied
    assert any_project.dump() == before
    changed = {t.name for t in again.tables if (t.inserted, t.updated, t.deleted) != (0, 0, 0)}
    assert changed == {"public.keyless", "public.no_columns", "public.deferred_key"}


def test_a_schema_with_a_dot_in_its_name_comes_back_as_it_was(project: PostgresProject) -> None:
    project.sql(
        'create schema "v1.2"; create table "v1.2"."items.old" (id int primary key);'
        'insert into "v1.2"."items.old" values (1), (2)'
    )
    before = project.dump()
    backup = project.back_up(schemas=("v1.2",))
    project.sql('truncate "v1.2"."items.old"')

    project.restore(backup)

    assert project.dump() == before


def make_an_awkward_schema(project: PostgresProject) -> None:
    project.sql(Path(__file__).with_name("awkward_schema.sql").read_text("utf-8"))


def empty(project: PostgresProject) -> None:
    """Empties every table. Sequences stay where they are: their values are not in a backup."""
    tables = project.rows(
        "select format('%I.%I', schemaname, tablename) from pg_tables "
        "where schemaname in ('public', 'Other Schema')"
    )
    project.sql("truncate " + ", ".join(name for (name,) in tables))
