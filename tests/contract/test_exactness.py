"""Every value that Postgres can hold comes back as it was, through a real Data API."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

import psycopg
import pytest

from supakeep.databases.postgres.database import PostgresDatabase
from supakeep.domain.schema import Table
from tests.builders.tables import a_selection
from tests.contract.caseless import CASELESS, LOSSY_JSON
from tests.contract.workbench import SupabaseWorkbench

pytestmark = pytest.mark.integration

# type, and values as SQL writes them
VALUES = {
    "numeric": [
        "0", "-0.0", "1.10", "1.100", "0.000000000000000000000000000000000001",
        "12345678901234567890123456789012345678901234567890.12345678901234567890",
        "'1e300'", "'NaN'", "'Infinity'", "'-Infinity'",
    ],
    "numeric(12,4)": ["99999999.9999", "-0.0001", "12.3000"],
    "bigint": ["9223372036854775807", "-9223372036854775808", "9007199254740993", "0"],
    "integer": ["2147483647", "-2147483648"],
    "smallint": ["32767", "-32768"],
    "double precision": ["0.1", "1e-320", "1.7976931348623157e308", "'-0'", "'NaN'", "'Infinity'", "'-Infinity'"],
    "real": ["0.1", "3.4028235e38", "1e-40", "'NaN'"],
    "money": ["'12345.67'", "'-0.01'"],
    "boolean": ["true", "false"],
    "text": [
        "''", "' '", "'null'", "'NULL'", r"E'line\nbreak\r\n\ttab'", """'quote " and '' and \\ and /'""",
        r"E'\x01\x1f\x7f'", r"E'\u2028\u2029\ufeff\u200b'", "'ünïcödé 漢字 🎉 عربى'", "'{\"not\": \"json\"}'",
        r"E'},\n{'", "repeat('long ', 20000)",
    ],
    "varchar(20)": ["'trailing  '"],
    "char(5)": ["'ab'", "''"],
    "bytea": [r"'\x'", r"'\x00ff5c220a'", "convert_to('text', 'utf8')"],
    "uuid": ["'00000000-0000-0000-0000-000000000000'", "'FFFFFFFF-ffff-ffff-ffff-ffffffffffff'"],
    "date": ["'2026-02-28'", "'0044-03-15 BC'", "'infinity'", "'-infinity'", "'5874897-12-31'"],
    "timestamptz": [
        "'2026-11-22 03:00:00.123456+14'", "'0044-03-15 12:00:00+00 BC'", "'infinity'", "'-infinity'",
        "'1883-11-18 12:03:58-04:56:02'", "'294276-12-31 23:59:59.999999+00'",
    ],
    "timestamp": ["'2026-03-29 02:30:00'", "'0001-01-01 00:00:00.000001 BC'"],
    "time": ["'23:59:59.999999'", "'24:00:00'"],
    "timetz": ["'12:00:00+05:30'"],
    "interval": ["'1 year -2 mons +3 days 04:05:06.000007'", "'-1 day'", "'0'"],
    "json": [
        "'{\"a\": 1, \"a\": 2}'", "'{\"n\": 1.10, \"big\": 123456789012345678901234567890}'", "'[1e400, -0]'",
        "'\"text\"'", "'[ 1 ,2 ]'",
    ],
    "jsonb": [
        "'{\"n\": 1.10, \"big\": 123456789012345678901234567890.5}'", "'[]'", "'\"\"'", "'{\"z\": null}'", "'1e400'",
        """'{"é\\\\n": "\\\\u0001"}'""",
    ],
    "text[]": [
        "'{}'", "array['a', null, 'NULL', '', '{', '\"', ',']", "array[['a','b'],['c',null]]",
        r"array[E'line\nbreak']",
    ],
    "numeric[]": ["array[1.10, 12345678901234567890.1, 'NaN']"],
    "jsonb[]": ["array['{\"a\": 1.0}'::jsonb, null]"],
    "bytea[]": [r"array['\x00'::bytea]"],
    "int4range": ["'[1,5)'", "'empty'", "'(,)'"],
    "tstzrange": ["'[2026-01-01 00:00+00,)'"],
    "nummultirange": ["'{[1.10,2.0),(3,4]}'"],
    "inet": ["'192.168.0.1/24'", "'::1'"],
    "cidr": ["'10.0.0.0/8'"],
    "macaddr": ["'08:00:2b:01:02:03'"],
    "bit(4)": ["b'0101'"],
    "varbit": ["b''", "b'10101'"],
    "point": ["'(0.1,-2)'"],
    "polygon": ["'((0,0),(1,1),(1,0))'"],
    "tsvector": ["'a:1 b:2A ''quo ted'':3'"],
    "tsquery": ["'a & !b'"],
    "oid": ["4294967295"],
    "pg_lsn": ["'16/B374D848'"],
    "mood": ["'it''s \"odd\"'"],
    "mood[]": ["array['fine'::{schema}.mood]"],
    "price": ["12.3400"],
    "address": ["row('a \"street\"', 007, null)", "row(null, null, array['x', null])"],
    "address[]": ["array[row('a,b', 1, null)::{schema}.address]"],
    "vector(3)": ["'[0.1,-2,1e-10]'"],
}  # fmt: skip
ODD_JSON = [
    r"""'{"a": "\u0000"}'""",
    r"""'["\ud83d", "\udc00 low", "\ud83d\ude00 both"]'""",
    r"""E'{\n  "a": "b\\nc",\r\n\t"d": [\n  ]\n}'""",
    r"""'{"a": "\\u0000 in letters"}'""",
    "'null'",
    "' null '",
    r"""E'\nnull'""",
]
OWN_TYPES = ("mood", "price", "address")


@pytest.fixture
def bench(supabase: SupabaseWorkbench, superuser: None) -> SupabaseWorkbench:
    supabase.execute("create type {schema}.mood as enum ('fine', 'it''s \"odd\"')")
    supabase.execute("create domain {schema}.price as numeric check (value > 0)")
    supabase.execute("create type {schema}.address as (street text, number int, tags text[])")
    return supabase


def type_of(bench: SupabaseWorkbench, name: str) -> str:
    base = name.removesuffix("[]")
    return f'"{bench.schema}".{name}' if base in OWN_TYPES else name


def a_table_of(bench: SupabaseWorkbench, name: str, values: Sequence[str]) -> Table:
    """A table `t` with one column `value` of this type; the last row has none."""
    type_ = type_of(bench, name)
    bench.owner.execute(  # the statement is this file's own
        f'create table "{bench.schema}".t (id int primary key, value {type_})'.encode()
    )
    for number, value in enumerate([*values, "null"]):
        literal = value.replace("{schema}", f'"{bench.schema}"')
        bench.owner.execute(f'insert into "{bench.schema}".t values ({number}, {literal})'.encode())
    return bench.created("t")


def texts(bench: SupabaseWorkbench) -> list[tuple[int, str | None]]:
    """The values as Postgres itself writes them."""
    query = f'select id, value::text from "{bench.schema}".t order by id'
    return bench.owner.execute(query.encode()).fetchall()


def exported(bench: SupabaseWorkbench, table: Table) -> list[bytes]:
    portions = bench.database.export(a_selection(table))
    return [line for portion in portions for line in portion.lines.split(b",\n")]


@pytest.mark.parametrize("type_", VALUES)
def test_every_value_comes_back_into_an_empty_table_as_it_was(
    bench: SupabaseWorkbench, type_: str
) -> None:
    table = a_table_of(bench, type_, VALUES[type_])
    before = texts(bench)

    rows = exported(bench, table)
    bench.execute("truncate {schema}.t")
    counts = bench.database.upsert(table, table.writable_columns, rows, dry_run=False)

    assert texts(bench) == before
    assert counts.inserted == len(before) == len(VALUES[type_]) + 1
    for row in rows:
        assert json.loads(row).keys() == {"id", "value"}


@pytest.mark.parametrize("type_", VALUES)
def test_a_value_that_is_the_same_is_not_written_and_another_one_is(
    bench: SupabaseWorkbench, type_: str
) -> None:
    table = a_table_of(bench, type_, VALUES[type_])
    before = texts(bench)
    rows = exported(bench, table)

    unchanged = bench.database.upsert(table, table.writable_columns, rows, dry_run=False)
    bench.execute("update {schema}.t set value = null")
    updated = bench.database.upsert(table, table.writable_columns, rows, dry_run=False)

    assert unchanged.unchanged == len(before)
    assert (updated.updated, updated.unchanged) == (len(before) - 1, 1)
    assert texts(bench) == before


@pytest.mark.parametrize("type_", VALUES)
def test_a_row_is_the_same_bytes_whichever_engine_writes_it(
    bench: SupabaseWorkbench, superuser: psycopg.Connection, type_: str
) -> None:
    """The functions of the rest engine use row_to_json, the postgres engine puts it together."""
    values = [*VALUES[type_], *ODD_JSON] if type_ == "json" else VALUES[type_]
    table = a_table_of(bench, type_, [*values, "'null'"] if type_ == "jsonb" else values)

    with PostgresDatabase(superuser.info.dsn, connections=1).snapshot() as snapshot:
        same = snapshot.catalog().tables[table.qualified_name]
        [portion] = snapshot.export(a_selection(same))

    assert portion.lines.split(b",\n") == exported(bench, table)


@pytest.fixture
def foreign_habits(superuser: psycopg.Connection) -> Iterator[None]:
    """A server that writes dates, intervals, bytes and floats in other ways than usual."""
    habits = {
        "datestyle": "'German, DMY'",
        "intervalstyle": "'sql_standard'",
        "bytea_output": "'escape'",
        "extra_float_digits": "-5",
    }
    for name, value in habits.items():
        superuser.execute(f"alter system set {name} = {value}".encode())
    superuser.execute("select pg_reload_conf()")
    yield
    for name in habits:
        superuser.execute(f"alter system reset {name}".encode())
    superuser.execute("select pg_reload_conf()")


@pytest.mark.usefixtures("foreign_habits")
def test_a_server_with_other_habits_gives_the_same_text(bench: SupabaseWorkbench) -> None:
    table = bench.made(
        "create table {schema}.t (day date, span interval, primary key (day, span), raw bytea, ratio float8);"
        "insert into {schema}.t select '2026-01-31'::date + n, '-1 year 2 days -03:04:05.678'::interval * n,"
        " '\\x00ff5c'::bytea, n / 7.0::float8 from generate_series(1, 1500) n"
    )
    snapshot = f'select md5(string_agg(t::text, chr(10) order by day)) from "{bench.schema}".t t'
    before = bench.owner.execute(snapshot.encode()).fetchone()

    rows = exported(bench, table)
    bench.execute("truncate {schema}.t")
    bench.database.upsert(table, table.writable_columns, rows, dry_run=False)

    assert len(rows) == 1500
    assert json.loads(rows[0]) == {
        "day": "2026-02-01",
        "span": "-1 years +2 days -03:04:05.678",
        "raw": "\\x00ff5c",
        "ratio": 1 / 7,
    }
    assert bench.owner.execute(snapshot.encode()).fetchone() == before


def test_every_row_is_one_line_of_json_whatever_its_json_column_holds(
    bench: SupabaseWorkbench,
) -> None:
    table = a_table_of(bench, "json", [r"""E'{\n  "a": "b\\nc",\r\n  "d": [\n  ]\n}'"""])

    [row, _] = exported(bench, table)

    assert json.loads(row)["value"] == texts(bench)[0][1]
    assert json.loads(row)[""] == {"text": ["value"]}
    assert b"\n" not in row
    assert b"\r" not in row


@pytest.mark.parametrize("type_", ["json", "jsonb"])
def test_json_null_is_not_the_absence_of_a_value(bench: SupabaseWorkbench, type_: str) -> None:
    """Where a column must have a value, `null` in a row can only be JSON's."""
    bench.owner.execute(
        f'create table "{bench.schema}".t (id int primary key, value {type_} not null)'.encode()
    )
    bench.execute("insert into {schema}.t values (1, 'null')")
    table = bench.created("t")

    rows = exported(bench, table)
    bench.execute("truncate {schema}.t")
    bench.database.upsert(table, table.writable_columns, rows, dry_run=False)

    assert texts(bench) == [(1, "null")]


UNNAMED_MEMBERS = {
    "a list of JSON nulls": ('null,"":["value"]', "null"),
    "JSON nulls": ('null,"":{"null":["value"]}', "null"),
    "text": (r'"{\"a\": \"\\u0000\\ud800\"}","":{"text":["value"]}', r'{"a": "\u0000\ud800"}'),
}


@pytest.mark.parametrize("member", UNNAMED_MEMBERS)
def test_what_a_rows_unnamed_member_says_is_restored(bench: SupabaseWorkbench, member: str) -> None:
    """As in backups of the postgres engine (docs/format.md)."""
    given, value = UNNAMED_MEMBERS[member]
    bench.execute("create table {schema}.t (id int primary key, value json, other jsonb)")
    table = bench.created("t")

    row = f'{{"id":1,"other":null,"value":{given}}}'.encode()
    first = bench.database.upsert(table, table.writable_columns, [row], dry_run=False)
    again = bench.database.upsert(table, table.writable_columns, [row], dry_run=False)

    assert texts(bench) == [(1, value)]
    assert (first.inserted, first.altered, again.unchanged) == (1, 0, 1)


@pytest.mark.parametrize("required", ["", " not null"])
@pytest.mark.parametrize("type_", ["json", "{schema}.document"])
def test_every_json_value_comes_back_byte_for_byte(
    bench: SupabaseWorkbench, type_: str, required: str
) -> None:
    bench.execute("create domain {schema}.document as json")
    bench.execute(f"create table {{schema}}.t (id int primary key, value {type_}{required})")
    for number, value in enumerate([*ODD_JSON, *VALUES["json"]]):
        bench.owner.execute(f'insert into "{bench.schema}".t values ({number}, {value})'.encode())
    table = bench.created("t")
    before = texts(bench)

    rows = exported(bench, table)
    unchanged = bench.database.upsert(table, table.writable_columns, rows, dry_run=False)
    bench.execute("truncate {schema}.t")
    bench.database.upsert(table, table.writable_columns, rows, dry_run=False)

    assert not any(b"\n" in row for row in rows)
    assert unchanged.unchanged == len(before)
    assert texts(bench) == before


def test_json_nulls_are_told_from_absent_values(bench: SupabaseWorkbench) -> None:
    table = bench.made(
        "create table {schema}.t (id int primary key, raw json, doc jsonb, many jsonb[], raws json[]);"
        "insert into {schema}.t values"
        " (1, 'null', 'null', array['null'::jsonb, null], array['null'::json, null]),"
        " (2, null, 'null', null, null), (3, null, null, array[]::jsonb[], array[]::json[])"
    )
    query = f'select id, raw::text, doc::text, many::text, raws::text from "{bench.schema}".t order by id'
    before = bench.owner.execute(query.encode()).fetchall()

    rows = exported(bench, table)
    bench.execute("truncate {schema}.t")
    bench.database.upsert(table, table.writable_columns, rows, dry_run=False)

    assert bench.owner.execute(query.encode()).fetchall() == before
    assert [json.loads(row).get("") for row in rows] == [
        {"null": ["raw", "doc"]},
        {"null": ["doc"]},
        None,
    ]


def test_arrays_whose_lower_bound_is_not_1_come_back(bench: SupabaseWorkbench) -> None:
    table = a_table_of(
        bench, "int[]", ["'[0:2]={1,2,3}'", "'[-1:0][2:3]={{1,2},{3,4}}'", "'{1,2}'"]
    )
    before = texts(bench)

    rows = exported(bench, table)
    bench.execute("truncate {schema}.t")
    bench.database.upsert(table, table.writable_columns, rows, dry_run=False)

    assert texts(bench) == before


def test_columns_named_as_the_functions_name_things_are_kept(
    bench: SupabaseWorkbench, superuser: psycopg.Connection
) -> None:
    """Beside a type whose text is kept, a row is put together from a subquery's."""
    bench.execute(CASELESS + LOSSY_JSON, connection=superuser)
    names = ("r", "t", "line", "nulls", "given", "told", "key", "rows", "n", "total", "first")
    columns = ", ".join(f'"{name}" int' for name in names)
    table = bench.made(
        f"create table {{schema}}.t (id int primary key, place {{schema}}.caseless,"
        f" places {{schema}}.caseless[], doc json, {columns});"
        "insert into {schema}.t select 1, 'HOME', array['A', null]::{schema}.caseless[], 'null',"
        f" {', '.join(str(n) for n in range(len(names)))}"
    )

    rows = exported(bench, table)
    counts = bench.database.upsert(table, table.writable_columns, rows, dry_run=False)
    window = bench.database.export(a_selection(table, last_rows=1, order_by="n"))

    assert counts.unchanged == 1
    found = json.loads(rows[0])
    assert [found[name] for name in names] == list(range(len(names)))
    assert (found["place"], found["places"], found[""]) == ("HOME", "{A,NULL}", {"null": ["doc"]})
    assert [portion.lines for portion in window] == rows


def test_a_primary_key_that_includes_other_columns_is_only_the_key(
    bench: SupabaseWorkbench,
) -> None:
    table = bench.made(
        "create table {schema}.t (id int, note text, at date, primary key (id) include (at, note));"
        "insert into {schema}.t select n, 'n' || n, null from generate_series(1, 2500) n"
    )

    rows = exported(bench, table)
    bench.execute("delete from {schema}.t where id > 2000")
    counts = bench.database.upsert(table, table.writable_columns, rows, dry_run=False)

    assert table.primary_key == ("id",)
    assert len(rows) == 2500
    assert (counts.inserted, counts.unchanged) == (500, 2000)


def test_an_array_of_which_only_the_lower_bound_differs_is_restored(
    bench: SupabaseWorkbench,
) -> None:
    bench.execute(
        "create table {schema}.t (id int primary key, value int[]);"
        "insert into {schema}.t values (1, '[0:1]={{7,8}}')"
    )
    table = bench.created("t")
    rows = exported(bench, table)
    bench.execute("update {schema}.t set value = '{{7,8}}'")

    counts = bench.database.upsert(table, table.writable_columns, rows, dry_run=False)

    assert (counts.updated, counts.altered) == (1, 0)
    assert texts(bench) == [(1, "[0:1]={7,8}")]


@pytest.mark.parametrize("type_", ["json", "jsonb"])
@pytest.mark.parametrize(("given", "live"), [("'null'", "null"), ("null", "'null'")])
def test_json_null_and_the_absence_of_a_value_are_different_values(
    bench: SupabaseWorkbench, type_: str, given: str, live: str
) -> None:
    bench.execute(
        f"create table {{schema}}.t (id int primary key, value {type_});"
        f"insert into {{schema}}.t values (1, {given})"
    )
    table, before = bench.created("t"), texts(bench)
    rows = exported(bench, table)
    bench.execute(f"update {{schema}}.t set value = {live}")

    counts = bench.database.upsert(table, table.writable_columns, rows, dry_run=False)

    assert (counts.updated, counts.altered) == (1, 0)
    assert texts(bench) == before
