"""The file of a user's assertions: named queries."""

from __future__ import annotations

import pytest

from supakeep.domain.assertions import Assertion, parse_assertions
from supakeep.errors import ConfigurationError

FILE = "drills.sql"


def test_each_query_stands_under_its_name() -> None:
    text = """
    -- what must hold of Jewelshot

    -- name: no negative balance
    select * from user_credits
    -- a comment of the query
     where balance < 0;

    --NAME:   someone is there
    select count(*) > 0 from user_credits
    """

    first, second = parse_assertions(text, FILE)

    assert first.name == "no negative balance"
    assert first.query.endswith("where balance < 0")
    assert second == Assertion("someone is there", "select count(*) > 0 from user_credits")


@pytest.mark.parametrize("text", ["", "\n\n", "-- nothing yet\n"])
def test_a_file_may_assert_nothing(text: str) -> None:
    assert parse_assertions(text, FILE) == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("select true", "drills.sql, line 1: a query has no name"),
        ("-- name:\nselect true", "drills.sql, line 1: a query has no name"),
        ("-- name: a\n\n-- name: b\nselect 1", "line 1: the assertion 'a' has no query"),
        ("-- name: a\nselect 1\n-- name: a\nselect 2", "line 3: the name 'a' is there twice"),
    ],
)
def test_what_is_wrong_with_a_file_is_said_with_its_line(text: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message) as raised:
        parse_assertions(text, FILE)

    assert "-- name: no negative balance" in str(raised.value.hint)
