"""Portions of rows that are read as PostgreSQL's bare text are, byte by byte, the exact lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import sql

from supakeep.databases.postgres.catalog import read_catalog
from supakeep.databases.postgres.connection import Connection, connect_to_read
from supakeep.databases.postgres.lines import TOO_WIDE, fetched_rows, line_of, portion_of
from supakeep.databases.postgres.portions import LineEncodings, PortionQuery
from supakeep.ports import Rows
from tests.builders.examples import examples
from tests.builders.postgres_project import PostgresProject
from tests.contract.test_exactness import ODD_JSON, OWN_TYPES, VALUES

pytestmark = pytest.mark.integration

EVERYTHING = str(TOO_WIDE)
ROWS = sql.SQL("from public.t t where id >= $1::int and id < $2::int order by id")
# beside those of the other tests: what only the spelling of a portion might stumble over
NASTY = {
    "text": [r"E'\x01'", r"E'\\N'", "'\\'", "'\"'", "'\"null\"'", r"E'\u007f'", "'null'", "'🎉'", "'\",\"id\":1'"],
    "char(5)": [r"E'\"'", r"E'a\n'", "'    '"],
    "varchar": [r"E'\x1f'", "''"],
    "name": ["'a\"b'", "''"],
    '"char"': [r"E'\\'", "'\"'", "'a'", "''"],
    "jsonb": ["'null'", "'\"null\"'", "'[null]'", "'{}'", "'0'", "'\"\\u0001\"'"],
    "json": ODD_JSON,
    "numeric": ["1e-20", "-0"],
    "real": ["'Infinity'", "'-Infinity'", "'-0'", "1e20", "1e-7"],
    "bytea": [r"'\x5c22'", "''"],
    "interval day to second(3)": ["'1 day 00:00:00.001'"],
    "interval": ["'-1 year'"],
    "timestamp(3) with time zone": ["'2026-11-25 12:00:00.1234'", "'12345-01-01'"],
    "time(0)": ["'00:00'"],
    "bit varying(5)": ["b'1'"],
    "regclass": ["'pg_class'"],
    "timestamp[]": ["array['infinity'::timestamp]"],
}  # fmt: skip
TYPES = {
    type_: [*VALUES.get(type_, []), *NASTY.get(type_, [])]
    for type_ in [*VALUES, *NASTY]
    if type_.removesuffix("[]") not in (*OWN_TYPES, "vector(3)")
}


@pytest.fixture
def reader(project: PostgresProject) -> Iterator[Connection]:
    with closing(connect_to_read(project.url())) as connection:
        yield connection


class Portions:
    """Portions of the table `t`, both ways."""

    def __init__(self, connection: Connection, columns: Sequence[str] | None = None) -> None:
        self.connection = connection
        self.table = read_catalog(connection).tables["public.t"]
        self.encodings = LineEncodings(self.table, columns)
        self._fast = PortionQuery(self.encodings, ROWS, sql.SQL("$3::bigint"))
        self._columns = columns

    def fast(self, low: int = 0, high: int = 10**6, width: str = EVERYTHING) -> Rows:
        return self._fast.fetch(self.connection, [str(low), str(high), width])

    def exact(self, low: int = 0, high: int = 10**6, width: str = EVERYTHING) -> Rows:
        query = sql.SQL("select {} from (select {} as line {}) r").format(
            portion_of(sql.SQL("$3::bigint")), line_of(self.table, self._columns), ROWS
        )
        return fetched_rows(self.connection, query.as_bytes(), [str(low), str(high), width])


@pytest.mark.parametrize("null", ["null", "not null"])
@pytest.mark.parametrize("type_", TYPES)
def test_every_value_of_every_type_is_spelled_exactly(
    project: PostgresProject, reader: Connection, type_: str, null: str
) -> None:
    project.sql(
        f'create domain "my ""type" as {type_};'
        f'create table t (id int primary key, a {type_} {null}, "b""\\ \'%é" "my ""type" {null}, c {type_})'
    )
    values = [*TYPES[type_], *["null"] * (null == "null")]
    for number, value in enumerate(values):
        project.sql(f"insert into t values ({number}, {value}, {value}, {value})")
    project.sql('insert into t (id, a, "b""\\ \'%é") select id + 1000, a, "b""\\ \'%é" from t')

    for low in (*range(len(values)), *range(1000, 1000 + len(values))):
        portions = Portions(reader)
        assert portions.fast(low, low + 1) == portions.exact(low, low + 1)
    together = Portions(reader)
    for _ in range(5):  # as long as it takes until a column is distrusted
        assert together.fast() == together.exact()


def test_ordinary_values_are_not_read_twice(project: PostgresProject, reader: Connection) -> None:
    project.sql(
        "create table t (id int primary key, a text, b varchar(9), c char(9), d numeric, e jsonb,"
        " f float8, g json, h bytea, i timestamptz, j bool, k uuid);"
        "insert into t values (1, 'é', '', 'c', 1.10, '{\"a\": null}', -0.5, '{\"a\":1}', '\\x5c',"
        " '2026-11-25', true, '00000000-0000-0000-0000-000000000000');"
        "insert into t (id) values (2)"
    )
    portions = Portions(reader)

    assert portions.fast() == portions.exact()

    assert portions.encodings.suspects() == frozenset()


def test_a_column_is_distrusted_after_some_portions_and_no_other_one(
    project: PostgresProject, reader: Connection
) -> None:
    project.sql(
        "create table t (id int primary key, a text, b text, c numeric);"
        "insert into t select n, case when n % 10 = 0 then 'a \"quote\"' end, 'b', 1.5"
        "  from generate_series(0, 99) n"
    )
    portions = Portions(reader)

    for low in range(0, 100, 10):
        assert portions.fast(low, low + 10) == portions.exact(low, low + 10)

    assert portions.encodings.suspects() == {"a"}
    assert portions.encodings.distrusted() == {"a"}


def test_a_row_that_is_too_wide_is_not_fetched(
    project: PostgresProject, reader: Connection
) -> None:
    project.sql(
        "create table t (id int primary key, a text);"
        "insert into t values (1, 'short'), (2, repeat('\"', 100)), (3, repeat('x', 100))"
    )
    portions = Portions(reader)

    assert portions.fast(width="50").count == TOO_WIDE
    assert portions.fast(1, 2, width="50") == portions.exact(1, 2)
    assert portions.encodings.suspects() == frozenset()
    # escaping makes it wider than it seemed
    assert portions.fast(2, 3, width="150").count == portions.exact(2, 3, width="150").count


def test_some_columns_of_a_table_and_none(project: PostgresProject, reader: Connection) -> None:
    project.sql(
        "create table t (id int primary key, a json, b text);"
        "insert into t values (1, ' null', 'x'), (2, null, '\\')"
    )
    for columns in (["id", "b"], ["a"], []):
        portions = Portions(reader, columns)
        assert portions.fast() == portions.exact()
    assert Portions(reader).fast(7, 7) == Rows(b"", 0)


def test_a_table_of_more_columns_than_a_function_takes_arguments(
    project: PostgresProject, reader: Connection
) -> None:
    names = [f"c{number}" for number in range(1000)]
    project.sql(f"create table t (id int primary key, {', '.join(f'{n} int' for n in names)})")
    project.sql("insert into t (id, c0, c999) values (1, 2, 3), (2, null, null)")
    portions = Portions(reader)

    assert portions.fast() == portions.exact()
    assert portions.encodings.suspects() == frozenset()


def test_a_null_in_a_column_that_must_not_have_one(
    project: PostgresProject, reader: Connection
) -> None:
    project.sql(
        "create table t (id int primary key, a text, b int, c uuid); insert into t values (1)"
    )
    project.superuser(
        "update pg_attribute set attnotnull = true where attrelid = 't'::regclass and attnum > 0"
    )
    portions = Portions(reader)

    assert portions.fast().lines == b'{"id":1,"a":null,"b":null,"c":null}'


_CHARACTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
_TEXTS = st.one_of(
    st.none(),
    st.text(st.sampled_from("ab ,:{}'é🎉\u2028"), max_size=6),
    st.text(st.one_of(st.sampled_from('"\\\n\r\t\b\f\v\x01\x02\x1f\x7f'), _CHARACTERS), max_size=6),
    st.sampled_from([r"\N", "null", '"null"', '","id":', "},\n{", "NaN", ",\n"]),
)
_JSON = st.one_of(
    st.none(),
    st.sampled_from(["null", '"null"', "[]", "{}", '{"a": null}', "-0", "1e5", '"\\u0001"']),
)
_NUMBERS = st.sampled_from([None, "0", "-0", "1.10", "NaN", "Infinity", "-Infinity", "1e-20"])
_TIMES = st.sampled_from([None, "2026-11-25 12:00:00.5", "infinity", "-infinity", "0044-03-15 BC"])
_ROWS = st.lists(
    st.tuples(_TEXTS, _TEXTS, _TEXTS, _JSON, _JSON, _NUMBERS, _NUMBERS, _TIMES, _TIMES)
)


@given(rows=_ROWS, portion=st.integers(1, 8))
@settings(max_examples=examples(50), suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_rows_hold_their_portions_are_exact(
    project: PostgresProject,
    reader: Connection,
    rows: list[tuple[str | None, ...]],
    portion: int,
) -> None:
    project.sql(
        "drop table if exists t; create table t (id int primary key, a text, b varchar, c char(9),"
        ' "\\d""" jsonb, e json, f numeric, g float8, h timestamptz, i date)'
    )
    with project.owner.cursor() as cursor:
        cursor.executemany(
            "insert into t values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            [(number, *row) for number, row in enumerate(rows)],
        )
    portions = Portions(reader)

    for low in range(0, len(rows) + 1, portion):
        assert portions.fast(low, low + portion) == portions.exact(low, low + portion)
