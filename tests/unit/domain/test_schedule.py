from __future__ import annotations

import datetime as dt

import pytest

from supakeep.domain.schedule import Schedule

NOW = dt.datetime(2026, 11, 22, 12, 0, tzinfo=dt.UTC)
AN_HOUR_AGO = NOW - dt.timedelta(hours=1)


@pytest.mark.parametrize(
    ("expression", "last", "hours"),
    [
        ("cron(0 3 * * ? *)", None, 15),
        ("rate(6 hours)", AN_HOUR_AGO, 5),
        ("rate(1 hour)", AN_HOUR_AGO, 1),
        ("rate(1 day)", NOW - dt.timedelta(days=9, hours=1), 23),
        ("rate(1 day)", None, None),
        ("rate(0 days)", AN_HOUR_AGO, None),
        ("at(2026-11-22T13:00:00)", None, 1),
        ("at(2026-11-22T11:00:00)", None, None),
        ("cron(nonsense)", None, None),
        ("at(nonsense)", None, None),
        ("nonsense", None, None),
    ],
)
def test_the_next_time(expression: str, last: dt.datetime | None, hours: int | None) -> None:
    expected = None if hours is None else NOW + dt.timedelta(hours=hours)
    assert Schedule("backup", expression).next_after(NOW, last) == expected


def test_a_schedule_that_is_off_has_no_next_time() -> None:
    assert Schedule("backup", "cron(0 3 * * ? *)", enabled=False).next_after(NOW, None) is None


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("cron(0 3 * * ? *)", "every day at 03:00 UTC"),
        ("cron(30 4 ? * * *)", "every day at 04:30 UTC"),
        ("cron(0 8 ? * MON-FRI *)", "Monday to Friday at 08:00 UTC"),
        ("cron(0 8 ? * MON,THU *)", "every Monday and Thursday at 08:00 UTC"),
        ("cron(0 8 1 * ? *)", "on day 1 of every month at 08:00 UTC"),
        ("cron(5 * * * ? *)", "every hour, at minute 5"),
        ("cron(0 0/6 * * ? *)", "every 6 hours, at minute 0"),
        ("rate(1 day)", "every day"),
        ("rate(12 hours)", "every 12 hours"),
        ("at(2026-11-22T13:00:00)", "once, at 2026-11-22 13:00:00 UTC"),
        ("cron(0 18 ? * 6L *)", "by cron(0 18 ? * 6L *)"),
        ("nonsense", "nonsense"),
    ],
)
def test_the_usual_schedules_are_put_into_words(expression: str, words: str) -> None:
    assert Schedule("backup", expression).words == words
