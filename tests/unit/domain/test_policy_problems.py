from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supakeep.domain.policy import BackupPolicy
from supakeep.domain.policy_problems import policy_problems
from supakeep.errors import ConfigurationError

WRONG = """\
# what is kept
[[table]]
name = "user_credits"

[[table]]
name = "credit_transactions"
lastrows = 10_000
order_by = "created_at"

[[table]]
last_days = "30"
time_column = ""

[[table]]
name = "public.user_credits"

[backup]
tables = 5

[retention]
keep_within_days = 0
"""


def found(text: str) -> list[tuple[int | None, str, str]]:
    return [(p.line, p.message, p.fix) for p in policy_problems(text, "supakeep.toml")]


def test_every_problem_is_found_at_once_with_its_line_and_its_fix() -> None:
    correct = "Correct the value; docs/configuration.md describes each key with an example."

    assert found(WRONG) == [
        (
            7,
            "lastrows of [[table]] 2 (credit_transactions) is not a key that Supakeep knows",
            "Write last_rows.",
        ),
        (10, "name of [[table]] 3 is missing", correct),
        (11, "last_days of [[table]] 3 must be a whole number, without quotes", correct),
        (12, "time_column of [[table]] 3 must not be empty", correct),
        (
            15,
            "table public.user_credits has an entry already, in line 3",
            "Remove one of the two.",
        ),
        (18, 'tables of [backup] must be a list, such as ["a", "b"]', correct),
        (21, "keep_within_days of [retention] must be greater than 0", correct),
    ]


def test_a_rule_between_two_keys_is_reported_at_its_entry() -> None:
    assert found('[[table]]\nname = "a"\n\n[[table]]\nname = "b"\nlast_rows = 5\n') == [
        (
            4,
            "[[table]] 2 (b) last_rows and order_by go together",
            "Correct the value; docs/configuration.md describes each key with an example.",
        )
    ]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[backup]\ntables = \n", 2),
        ('[backup]\ntables = ["a"', 2),
        ("", 1),
    ],
)
def test_what_is_not_toml_or_empty_has_a_line_or_none(text: str, line: int) -> None:
    [(at, message, fix)] = found(text)

    if text:
        assert (at, message.startswith("It is not valid TOML: ")) == (line, True)
    else:
        assert (at, message) == (
            None,
            'Nothing is backed up: add [[table]] entries or [backup] tables = "*"',
        )
    assert fix


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('color = 1\n[backup]\ntables = "*"\n', 1),
        ('[backup]\ntables = "*"\n\n[other]\nx = 1\n', 4),
        ("backup.tables = 5\n", 1),
        ('backup = { tables = "*", only = 1 }\n', 1),
        ('[ "backup" ]\ntables = "*"\n"colour" = 1\n', 3),
        ('[backup] # of all\ntables = "*"\n  exclude = 1\n', 3),
    ],
)
def test_the_line_is_found_in_other_forms_of_toml(text: str, line: int) -> None:
    [(at, *_)] = found(text)

    assert at == line


@given(st.text(alphabet='[]"=a1\n. ntbckup', max_size=60))
def test_a_file_has_problems_exactly_where_a_backup_would_refuse_it(text: str) -> None:
    try:
        BackupPolicy.parse(text)
        is_refused = False
    except ConfigurationError:
        is_refused = True

    assert bool(found(text)) is is_refused


def test_excluded_columns_are_a_list() -> None:
    ((line, message, _),) = found('[[table]]\nname = "a"\nexclude_columns = "email"\n')

    assert line == 3
    assert message == 'exclude_columns of [[table]] 1 (a) must be a list, such as ["a", "b"]'


def test_a_mask_is_one_of_two() -> None:
    ((line, message, _),) = found('[[table]]\nname = "a"\nmask = { email = "md5" }\n')

    assert line == 3
    assert message == "email of [[table]] 1 (a) must be 'hash' or 'null'"
