from __future__ import annotations

import datetime as dt

import pytest

from supakeep.domain.cron import Cron
from supakeep.errors import InvalidRequestError

# a Sunday
NOW = dt.datetime(2026, 11, 22, 12, 0, tzinfo=dt.UTC)


def after(expression: str, moment: dt.datetime = NOW) -> str | None:
    found = Cron.parse(expression).next_after(moment)
    return None if found is None else f"{found:%Y-%m-%d %H:%M}"


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("0 3 * * ? *", "2026-11-23 03:00"),
        ("0 12 * * ? *", "2026-11-23 12:00"),
        ("1 12 * * ? *", "2026-11-22 12:01"),
        ("30 4 ? * * *", "2026-11-23 04:30"),
        ("0/15 * * * ? *", "2026-11-22 12:15"),
        ("5/20 9-17 ? * MON-FRI *", "2026-11-23 09:05"),
        ("0 0/6 * * ? *", "2026-11-22 18:00"),
        ("0 8 ? * 2 *", "2026-11-23 08:00"),
        ("0 8 ? * 1 *", "2026-11-29 08:00"),
        ("0 8 ? * tue,sat *", "2026-11-24 08:00"),
        ("0 18 1 * ? *", "2026-12-01 18:00"),
        ("0 18 31 * ? *", "2026-12-31 18:00"),
        ("0 18 L * ? *", "2026-11-30 18:00"),
        ("0 18 LW FEB ? *", "2027-02-26 18:00"),
        ("0 18 15W 5 ? *", "2027-05-14 18:00"),
        ("0 18 1W 5 ? *", "2027-05-03 18:00"),
        ("0 18 31W * ? *", "2026-12-31 18:00"),
        ("0 18 ? * 6L *", "2026-11-27 18:00"),
        ("0 18 ? * L *", "2026-11-28 18:00"),
        ("0 18 ? * FRI#3 *", "2026-12-18 18:00"),
        ("0 18 ? * 6#5 *", "2027-01-29 18:00"),
        ("0 0 29 2 ? *", "2028-02-29 00:00"),
        ("0 0 1 JAN ? 2030", "2030-01-01 00:00"),
        ("0 0 1,15 * ? *", "2026-12-01 00:00"),
        ("0 0 1 1 ? 2020-2025", None),
        ("0 0 30 2 ? *", None),
    ],
)
def test_the_next_time_is_that_of_eventbridge(expression: str, expected: str | None) -> None:
    assert after(expression) == expected


def test_a_leap_day_is_found_over_the_end_of_a_century() -> None:
    assert after("0 0 29 2 ? *", dt.datetime(2096, 3, 1, tzinfo=dt.UTC)) == "2104-02-29 00:00"


@pytest.mark.parametrize(
    "expression",
    [
        "0 3 * * *",
        "0 3 * * * *",
        "0 3 ? * ? *",
        "60 3 * * ? *",
        "0 24 * * ? *",
        "0 3 32 * ? *",
        "0 3 0 * ? *",
        "0 3 * 13 ? *",
        "0 3 * FEBR ? *",
        "0 3 ? * 8 *",
        "0 3 ? * 6#6 *",
        "0/0 3 * * ? *",
        "x 3 * * ? *",
        "0 3 -1 * ? *",
        "",
    ],
)
def test_what_is_no_expression_is_refused(expression: str) -> None:
    with pytest.raises(InvalidRequestError, match="is not a schedule"):
        Cron.parse(expression)
