from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supakeep.domain.policy import AlarmPolicy, BackupPolicy
from supakeep.domain.policy_problems import policy_problems
from supakeep.domain.shrinkage import has_shrunk
from supakeep.errors import ConfigurationError

ROWS = st.integers(0, 10**12)
SHARES = st.integers(0, 100).map(lambda percent: percent / 100)


@pytest.mark.parametrize(
    ("rows", "before", "share", "shrunk"),
    [
        (50, 100, 0.5, False),
        (49, 100, 0.5, True),
        (200, 100, 0.5, False),
        (0, 0, 0.5, False),
        (0, 1, 1.0, True),
        (1, 10**15, 1.0, False),
        (99, 100, 0.0, True),
        (100, 100, 0.0, False),
        # by floating-point numbers, 10 * (1 - 0.7) is more than 3
        (3, 10, 0.7, False),
    ],
)
def test_more_than_the_share_or_all_rows_are_too_many(
    rows: int, before: int, share: float, *, shrunk: bool
) -> None:
    assert has_shrunk(rows, before, share) is shrunk


@given(st.lists(st.tuples(ROWS, ROWS), min_size=1), SHARES)
def test_if_all_tables_together_shrink_one_of_them_does(
    tables: list[tuple[int, int]], share: float
) -> None:
    """So the whole needs no rule of its own."""
    rows, before = (sum(column) for column in zip(*tables, strict=True))
    if has_shrunk(rows, before, share):
        assert any(has_shrunk(*table, share) for table in tables)


def test_the_policy_says_how_much_is_too_much_and_for_which_tables() -> None:
    policy = BackupPolicy.parse(
        '[backup]\ntables = "*"\n[alarms]\nshrink = 1\nmay_shrink = ["jobs", "shop.*"]'
    )
    assert policy.alarms == AlarmPolicy(shrink=1.0, may_shrink=["jobs", "shop.*"])
    assert BackupPolicy.parse('[backup]\ntables = "*"').alarms.shrink == 0.5


@pytest.mark.parametrize("shrink", ["1.5", "-0.1", '"0.5"', "true", "nan"])
def test_a_share_that_is_none_is_refused_with_its_line(shrink: str) -> None:
    text = f'[backup]\ntables = "*"\n\n[alarms]\nshrink = {shrink}\n'
    with pytest.raises(ConfigurationError, match=r"alarms\.shrink"):
        BackupPolicy.parse(text)
    [problem] = policy_problems(text, "supakeep.toml")
    assert (problem.line, problem.message[:18]) == (5, "shrink of [alarms]")


def test_a_misspelt_key_of_alarms_is_answered_with_the_right_one() -> None:
    text = '[backup]\ntables = "*"\n[alarms]\nmay_shirnk = ["jobs"]\n'
    [problem] = policy_problems(text, "supakeep.toml")
    assert (problem.line, problem.fix) == (4, "Write may_shrink.")
