"""Rows for an empty table are copied where COPY reads their values as INSERT would."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from supakeep.databases.postgres.connection import Connection
from supakeep.databases.postgres.restore.copying import Copying
from supakeep.databases.postgres.restore.row_layout import CopiedRows
from supakeep.domain.row_changes import RestoreMode
from supakeep.errors import ConstraintViolationError
from tests.builders.examples import examples
from tests.builders.postgres_project import PostgresProject

pytestmark = pytest.mark.integration

# a type, and values of it as SQL
VALUES = {
    "smallint": "'-32768'",
    "bigint": "'9223372036854775807'",
    "numeric": "'NaN'",
    "numeric(40, 10)": "'12345678901234567890.1234567890'",
    "real": "'-0'",
    "double precision": "'-Infinity'",
    "float8": "'1.7976931348623157e+308'",
    "boolean": "'f'",
    "text": r"E'\\N\t\n\r\\.\b\f\v\x01\x1f\x7f\"'' 🦊'",
    "varchar(3)": "'\\N'",
    "char(5)": "'a\\'",
    "bytea": r"'\x00ff5c'",
    "uuid": "'00000000-0000-0000-0000-0000000000ff'",
    "date": "'0044-03-15 BC'",
    "timestamp": "'infinity'",
    "timestamptz": "'0001-01-01 00:00:00.000001+00 BC'",
    "time": "'24:00:00'",
    "timetz": "'00:00:00.5+15:59'",
    "interval": "'-1 year 2 mons -3 days 04:05:06.789'",
    "inet": "'::ffff:1.2.3.4/96'",
    "bit(3)": "'101'",
    "money": "'-1234.56'",
    "jsonb": """'{"a\\\\b": "\\"\\n\\t", "null": [null, {"b": 1e400}]}'""",
    "jsonb_text": "'\"\\\\N\"'",
    "tsvector": "'''it''''s'':1A \\\\n:2'",
    "int4range": "'[1,5)'",
    "point": "'(1.5,-0)'",
    "pair": r"""row(1, E'a,"\n\\')""",
    "jsonb[]": r"""array['{"a": "\\"}'::jsonb, 'null', null]""",
    "mood": "'so,\"so\\'",
    "positive": "'7'",
}


@contextmanager
def counted_copies(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """The numbers of rows that were copied, batch by batch."""
    found: list[int] = []
    write = Copying.write

    def counting(self: Copying, connection: Connection, rows: CopiedRows) -> int:
        found.append(write(self, connection, rows))
        return found[-1]

    with monkeypatch.context() as patched:
        patched.setattr(Copying, "write", counting)
        yield found


@pytest.mark.parametrize("type_", VALUES)
def test_a_value_of_each_type_is_copied(
    project: PostgresProject, monkeypatch: pytest.MonkeyPatch, type_: str
) -> None:
    project.sql("create type mood as enum ('so,\"so\\', 'null')")
    project.sql("create type pair as (a int, b text)")
    project.sql(
        "create domain positive as int check (value > 0); create domain jsonb_text as jsonb"
    )
    project.sql(
        f'create table t (id int generated always as identity primary key, "a,"":\\" {type_},'
        f" twice bigint generated always as (id * 2) stored, other text default 'x')"
    )
    project.sql(f'insert into t ("a,"":\\") values ({VALUES[type_]}), ({VALUES[type_]})')
    if type_ not in {"numeric", "double precision", "mood"}:
        project.sql('insert into t ("a,"":\\", other) values (null, null)')
    query = "select t::text from t order by id"
    before = project.rows(query)

    backup = project.back_up()
    project.sql("truncate t restart identity")
    with counted_copies(monkeypatch) as copied:
        report = project.restore(backup)

    assert project.rows(query) == before
    assert [table.inserted for table in report.tables] == copied == [len(before)]
    assert project.rows("insert into t default values returning id") == [(len(before) + 1,)]


@pytest.mark.parametrize("type_", ["int[]", "text[]", "json"])
def test_what_copy_would_have_to_parse_is_inserted(
    project: PostgresProject, monkeypatch: pytest.MonkeyPatch, type_: str
) -> None:
    project.sql(f"create table t (id int primary key, a {type_}, b text)")
    value = """'{"a":1,"b":"x"}'""" if type_ == "json" else "'{1,2}'"
    project.sql(f"insert into t select n, {value}, 'y' from generate_series(1, 7000) n")
    before = project.rows("select t::text from t order by id")

    backup = project.back_up()
    project.sql("truncate t")
    with counted_copies(monkeypatch) as copied:
        project.restore(backup)

    assert project.rows("select t::text from t order by id") == before
    assert not copied


def test_a_batch_with_a_value_that_needs_it_is_inserted_between_others(
    project: PostgresProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.sql("create table t (id int primary key, a jsonb, b numeric)")
    project.sql("insert into t select n, '{\"a\": 1}', n from generate_series(1, 9000) n")
    project.sql("update t set a = 'null', b = 'NaN' where id = 4500")
    before = project.rows("select t::text from t order by id")

    backup = project.back_up()
    project.sql("truncate t")
    with counted_copies(monkeypatch) as copied:
        project.restore(backup)

    assert project.rows("select t::text from t order by id") == before
    assert copied == [4000, 1000]


def test_a_copied_row_that_is_refused_is_named(
    project: PostgresProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.sql("create table t (id int primary key, a text, b text)")
    project.sql("insert into t select n, 'a' || n, 'b' from generate_series(1, 9999) n")

    backup = project.back_up()
    project.sql("truncate t; alter table t alter a type varchar(5)")
    project.sql("alter table t add check (a <> 'a8888')")
    with counted_copies(monkeypatch) as copied, pytest.raises(ConstraintViolationError) as raised:
        project.restore(backup)

    assert "t_a_check" in raised.value.message
    assert copied == [4000, 4000]
    project.sql("alter table t drop constraint t_a_check, alter a type varchar(4)")
    with pytest.raises(ConstraintViolationError, match=r"t\.a cannot hold a value") as raised:
        project.restore(backup)
    assert 't.a cannot hold "a1000" (row {"id": 1000})' in raised.value.in_full
    assert project.rows("select count(*) from t") == [(0,)]


NOTES = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
TRAPS = st.sampled_from([r"\N", r"\.", '","b":"', "\t", "\n", "\r\n", "\\", '\\"', "null", ""])
TEXTS = st.none() | NOTES | st.lists(TRAPS | NOTES, max_size=5).map("".join)


@settings(
    max_examples=examples(15),
    deadline=None,
    phases=[Phase.explicit, Phase.generate],  # a smaller example would take minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(rows=st.lists(st.tuples(TEXTS, TEXTS, TEXTS), min_size=1, max_size=10))
def test_texts_come_back_through_copy(
    project: PostgresProject, rows: list[tuple[str | None, str | None, str | None]]
) -> None:
    project.sql("create table if not exists t (id int primary key, a text, b jsonb, c text)")
    project.sql("truncate t")
    with project.owner.cursor() as cursor:
        cursor.executemany(
            "insert into t values (%s, %s, jsonb_build_object('a', %s::text), %s)",
            [(number, *row) for number, row in enumerate(rows)],
        )
    before = project.rows("select a, b::text, c from t order by id")

    backup = project.back_up()
    project.sql("truncate t")
    with pytest.MonkeyPatch.context() as patch, counted_copies(patch) as copied:
        project.restore(backup, mode=RestoreMode.REPLACE)

    assert project.rows("select a, b::text, c from t order by id") == before
    assert copied == [len(rows)]
