"""The rules that count: what restic's documentation says of its examples."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from supakeep.domain.calendar_duration import CalendarDuration
from supakeep.domain.manifest import Manifest, Trigger
from supakeep.domain.retention import RetentionDecision, apply_retention, judge_copies
from supakeep.domain.retention import StoredBackup as Stored
from supakeep.domain.retention_policy import RetentionPolicy
from tests.builders.manifests import a_manifest

SUNDAY = dt.datetime(2019, 11, 17, 11, tzinfo=dt.UTC)
SUNDAYS = [a_manifest(at=SUNDAY - dt.timedelta(weeks=week)) for week in range(12)]


def decided(manifests: list[Manifest], **rules: int | str) -> list[RetentionDecision]:
    now = max(manifest.started_at for manifest in manifests)
    return apply_retention(RetentionPolicy.model_validate(rules), manifests, now)


def kept(manifests: list[Manifest], **rules: int | str) -> list[dt.date]:
    decisions = decided(manifests, **rules)
    return [one.manifest.started_at.date() for one in decisions if one.keep]


def nightly(days: int, *, until: dt.datetime) -> list[Manifest]:
    return [a_manifest(at=until - dt.timedelta(days=day)) for day in range(days)]


def test_keep_daily_counts_days_that_have_a_backup() -> None:
    assert kept(SUNDAYS, keep_daily=4) == [
        dt.date(2019, 11, 17), dt.date(2019, 11, 10), dt.date(2019, 11, 3), dt.date(2019, 10, 27),
    ]  # fmt: skip


def test_daily_weekly_monthly_and_yearly_rules_keep_the_last_of_each() -> None:
    backups = nightly(5 * 366, until=dt.datetime(2026, 11, 26, 3, tzinfo=dt.UTC))

    dates = kept(backups, keep_daily=7, keep_weekly=5, keep_monthly=12, keep_yearly=75)

    days = [dt.date(2026, 11, day) for day in range(26, 19, -1)]
    sundays = [dt.date(2026, 11, 15), dt.date(2026, 11, 8), dt.date(2026, 11, 1)]
    months = [
        *(dt.date(2026, month + 1, 1) - dt.timedelta(days=1) for month in range(10, 0, -1)),
        dt.date(2025, 12, 31),
    ]
    years = [dt.date(year, 12, 31) for year in (2024, 2023, 2022, 2021)]
    oldest = [dt.date(2021, 11, 23)]
    assert dates == sorted({*days, *sundays, *months, *years, *oldest}, reverse=True)


def test_a_window_of_years_months_days_and_hours_ends_at_the_newest() -> None:
    newest = dt.datetime(2026, 11, 26, 3, tzinfo=dt.UTC)
    edge = dt.datetime(2024, 6, 19, 0, tzinfo=dt.UTC)
    second = dt.timedelta(seconds=1)
    backups = [a_manifest(at=at) for at in (newest, edge + second, edge, edge - second)]

    assert len(kept(backups, keep_within="2y5m7d3h")) == 2


def test_while_a_rule_has_not_found_enough_the_oldest_stays_too() -> None:
    morning = dt.datetime(2026, 11, 26, 3, tzinfo=dt.UTC)
    backups = [a_manifest(at=morning + dt.timedelta(hours=hour)) for hour in range(3)]

    reasons = [one.reason for one in decided(backups, keep_daily=2)]

    assert reasons == [
        "the newest good backup, the newest of its day (keep_daily)",
        "no rule keeps it",
        "the oldest (keep_daily)",
    ]


def test_only_good_backups_take_a_place() -> None:
    today, yesterday, before = nightly(3, until=SUNDAY)
    bad = a_manifest(at=SUNDAY + dt.timedelta(hours=1), good=False)

    decisions = decided([bad, today, yesterday, before], keep_last=2)

    assert [one.keep for one in decisions] == [True, True, True, False]


def test_undo_copies_stay_for_a_week_where_there_is_no_window() -> None:
    today = a_manifest(at=SUNDAY)
    undos = [
        a_manifest(at=SUNDAY - dt.timedelta(days=days)).model_copy(
            update={"trigger": Trigger.PRE_RESTORE}
        )
        for days in (6, 8)
    ]

    assert [one.keep for one in decided([today, *undos], keep_last=1)] == [True, True, False]


def test_the_time_at_which_a_backup_may_go_is_that_of_its_longest_rule() -> None:
    [verdict] = judge_copies(
        RetentionPolicy(keep_daily=3, keep_monthly=2), [Stored(SUNDAYS[0], ("primary",))], SUNDAY
    )[SUNDAYS[0].backup]

    assert verdict.goes_at == dt.datetime(2020, 1, 1, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("rules", "problem"),
    [
        ({"keep_last": 0}, "would keep no backup"),
        ({"keep_daily": 0, "keep_weekly": 0}, "would keep no backup"),
        ({"keep_within": "1w"}, "not a duration"),
        ({"keep_within": ""}, "not a duration"),
        ({"keep_within": "0d"}, "not a duration"),
        ({"keep_within": "7d", "keep_within_days": 7}, "the same rule"),
        ({"keep_daily": -1}, "greater than or equal to 0"),
    ],
)
def test_rules_that_make_no_sense_are_refused(rules: dict[str, int | str], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        RetentionPolicy.model_validate(rules)


def test_without_a_rule_backups_are_kept_for_a_week() -> None:
    assert RetentionPolicy().window == CalendarDuration(days=7)
    assert RetentionPolicy(keep_daily=3).window is None


NUMBERS = st.fixed_dictionaries(
    {
        f"keep_{name}": st.integers(0, 6)
        for name in ("last", "hourly", "daily", "weekly", "monthly", "yearly")
    }
).filter(lambda numbers: any(numbers.values()))
BACKUPS = st.lists(
    st.tuples(st.integers(0, 900 * 24), st.booleans()),
    min_size=1, max_size=40, unique_by=lambda one: one[0],
).map(lambda ages: [a_manifest(at=SUNDAY - dt.timedelta(hours=age), good=good) for age, good in ages])  # fmt: skip


def removed(manifests: list[Manifest], numbers: dict[str, int]) -> set[str]:
    decisions = apply_retention(RetentionPolicy.model_validate(numbers), manifests, SUNDAY)
    return {one.manifest.backup for one in decisions if not one.keep}


@given(BACKUPS, NUMBERS)
def test_a_second_prune_removes_nothing_more(
    manifests: list[Manifest], numbers: dict[str, int]
) -> None:
    gone = removed(manifests, numbers)

    assert removed([m for m in manifests if m.backup not in gone], numbers) == set()


@given(BACKUPS, NUMBERS, st.sampled_from(["keep_last", "keep_daily", "keep_yearly"]))
def test_a_rule_that_keeps_more_removes_nothing_else(
    manifests: list[Manifest], numbers: dict[str, int], rule: str
) -> None:
    more = {**numbers, rule: numbers[rule] + 1}

    assert removed(manifests, more) <= removed(manifests, numbers)


@given(BACKUPS, NUMBERS)
def test_no_rule_removes_the_newest_good_backup(
    manifests: list[Manifest], numbers: dict[str, int]
) -> None:
    good = [manifest for manifest in manifests if manifest.is_good]
    gone = removed(manifests, numbers)

    if good:
        assert max(good, key=lambda manifest: manifest.started_at).backup not in gone
    else:
        assert gone == set()


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ({}, "Backups within 7 days of the newest good one are kept, and that one always."),
        (
            {"keep_daily": 14, "keep_last": 3},
            (
                "Good backups are kept by keep_last = 3, keep_daily = 14, and the newest good one always. "
                "Undo copies and incomplete backups are kept for 7 days."
            ),
        ),
        (
            {"keep_within": "1y2d", "keep_weekly": 4},
            (
                "Backups within 1 year, 2 days of the newest good one are kept, and so are good ones by "
                "keep_weekly = 4, and that one always."
            ),
        ),
    ],
    ids=["default", "numbers", "both"],
)
def test_the_rules_are_put_into_words(rules: dict[str, int | str], words: str) -> None:
    assert str(RetentionPolicy.model_validate(rules)).startswith(words)
