"""Whatever a json, jsonb or text value holds, it comes back with every character."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from supakeep.domain.row_changes import RestoreMode
from tests.builders.examples import examples
from tests.builders.postgres_project import PostgresProject

pytestmark = pytest.mark.integration

Row = tuple[str | None, str | None, str | None, list[str | None] | None]

BLANKS = st.text(" \t\r\n", max_size=2)
CHARACTERS = st.characters(codec="utf-8", exclude_categories=["Cc"], exclude_characters='"\\')
# what jsonb takes as well, and what only looks like an escape
PIECES = st.sampled_from(
    [r"\\", r"\"", r"\n", r"\u00e9", r"\ud83d\ude00", "u0000", "ud83d", "uDE00", "null", "{}", ","]
)
ONLY_JSON = st.sampled_from([r"\u0000", r"\ud83d", r"\uDE00", r"\uD83D", r"\udc00"])
SCALARS = st.sampled_from(["null", "true", "-0", "1.50", "1E400", "12345678901234567890.10"])
NOTES = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)


def documents(
    pieces: st.SearchStrategy[str], blanks: st.SearchStrategy[str]
) -> st.SearchStrategy[str]:
    """JSON texts with these pieces in their strings, and blanks wherever JSON has room for them."""
    strings = st.lists(pieces, max_size=5).map(lambda found: f'"{"".join(found)}"')

    def padded(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        return st.tuples(blanks, values, blanks).map("".join)

    def nested(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        members = st.tuples(padded(strings), padded(inner)).map(":".join)
        arrays = st.lists(padded(inner), max_size=3).map(lambda found: f"[{','.join(found)}]")
        objects = st.lists(members, max_size=3).map(lambda found: f"{{{','.join(found)}}}")
        return arrays | objects

    return padded(st.recursive(strings | SCALARS, nested, max_leaves=5))


JSONB = documents(PIECES | CHARACTERS, BLANKS)
ANY_PIECES = ONLY_JSON | PIECES | CHARACTERS
# most values have no blank that decides by itself how they are given
JSON = documents(ANY_PIECES, st.just("")) | documents(ANY_PIECES, BLANKS)
ROWS: st.SearchStrategy[Row] = st.tuples(
    st.none() | JSON,
    st.none() | JSONB,
    st.none() | NOTES | JSON,
    st.none() | st.lists(st.none() | JSONB, max_size=3),
)
QUERY = "select a::text, b::text, c, d::text from t order by id"


@pytest.fixture
def table(project: PostgresProject) -> PostgresProject:
    project.sql("create table t (id int primary key, a json, b jsonb, c text, d jsonb[])")
    return project


@settings(
    max_examples=examples(15),
    deadline=None,
    phases=[Phase.explicit, Phase.generate],  # a smaller example would take minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(rows=st.lists(ROWS, min_size=1, max_size=10))
def test_a_backup_gives_every_value_back(table: PostgresProject, rows: list[Row]) -> None:
    table.sql("truncate t")
    with table.owner.cursor() as cursor:
        cursor.executemany(
            "insert into t values (%s, %s, %s, %s, %s::text[]::jsonb[])",
            [(number, *row) for number, row in enumerate(rows)],
        )
    before = table.rows(QUERY)

    backup = table.back_up()
    unchanged = table.restore(backup, mode=RestoreMode.REPLACE).tables[0].unchanged
    table.sql("delete from t where id % 2 = 0; update t set a = '0', b = null, c = 'x', d = '{}'")
    table.restore(backup, mode=RestoreMode.REPLACE)

    assert table.rows(QUERY) == before
    assert unchanged == len(rows)
