from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from supakeep.domain.engine import POSTGRES, REST
from supakeep.domain.policy import BackupPolicy
from supakeep.domain.proposal import proposed_policy
from supakeep.domain.survey import (
    Estimate,
    SurveyedTable,
    changes_per_day,
    estimate,
    runs_per_month,
    time_column_of,
)
from supakeep.domain.table_activity import TableActivity
from supakeep.errors import InvalidRequestError
from tests.builders.keys import OURS
from tests.builders.tables import a_table
from tests.fakes.time import NOON

NIGHTLY = "cron(0 3 * * ? *)"


def surveyed(name: str = "orders", **fields: Any) -> SurveyedTable:
    values: dict[str, Any] = {
        "table": f"public.{name}",
        "schema_name": "public",
        "rows": 1000,
        "bytes": 340_000,
        "has_key": True,
        "needs_key": False,
        "changes_per_day": None,
        "time_column": None,
    }
    return SurveyedTable(**{**values, **fields})


def estimated(*tables: SurveyedTable, schedule: str = NIGHTLY, keep_days: int = 7) -> Estimate:
    return estimate(tables, REST, plan="free", schedule=schedule, keep_days=keep_days, now=NOON)


def proposal(*tables: SurveyedTable) -> str:
    return proposed_policy(tables, estimated(*tables))


def test_a_nightly_backup_of_125_mb_takes_what_the_document_about_limits_says() -> None:
    found = estimated(surveyed(bytes=125_000_000))

    # 8 copies fill the free plan's gigabyte; 30 nights take 3.75 GB twice
    assert (found.storage_bytes, found.storage_limit_bytes) == (10**9, 10**9)
    assert found.egress_bytes_per_month == 7_500_000_000
    assert len(found.warnings) == 1
    assert estimated(surveyed(bytes=83_000_000)).warnings == []
    # with $0.02 for the function, $0.11 for S3 and $0.34 for the traffic
    assert found.dollars_per_month == pytest.approx(5.69 + 0.45, abs=0.03)


def test_a_proposal_says_how_to_compress_and_to_encrypt() -> None:
    lines = proposal(surveyed()).splitlines()
    uncommented = [line.removeprefix("# ") for line in lines[lines.index("# [storage]") :]]
    text = "\n".join(line for line in uncommented if "=" in line or line.startswith("["))

    policy = BackupPolicy.parse(f'[backup]\ntables = "*"\n{text.replace("age1…", OURS.public)}')

    assert policy.storage.compression == "zstd"
    assert policy.encryption.recipients == [OURS.public]


def test_more_than_the_plan_has_is_a_warning() -> None:
    [storage, egress] = estimated(surveyed(bytes=200_000_000)).warnings

    assert "more Storage than the plan free has" in storage
    assert "more egress than the plan free has" in egress


@pytest.mark.parametrize(
    ("schedule", "runs"), [(NIGHTLY, 30), ("rate(6 hours)", 120), ("cron(0 3 ? * SUN *)", 4)]
)
def test_the_runs_of_a_month_are_counted_from_the_schedule(schedule: str, runs: int) -> None:
    assert runs_per_month(schedule, NOON) == runs


@pytest.mark.parametrize(
    "schedule", ["daily", "0 3 * * *", "cron(0 3 * * * *)", "at(2020-01-01T00:00:00)"]
)
def test_a_schedule_that_never_fires_is_refused_with_its_form(schedule: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        runs_per_month(schedule, NOON)

    assert "cron(0 3 * * ? *)" in (caught.value.hint or "")


def test_changes_are_counted_by_the_day_where_their_start_is_known() -> None:
    two_days_ago = NOON - dt.timedelta(days=2)

    assert changes_per_day(TableActivity(10, 5000, two_days_ago), NOON) == 2500
    assert changes_per_day(TableActivity(10, 5000, NOON), NOON) is None
    assert changes_per_day(TableActivity(10, 5000, None), NOON) is None
    assert changes_per_day(None, NOON) is None


@pytest.mark.parametrize(
    ("rows", "changes", "fast"),
    [(10_000, 1500, True), (100_000, 1500, False), (10, 500, False), (10, None, False)],
)
def test_a_table_changes_fast_where_a_tenth_of_it_does_each_day(
    rows: int, changes: int | None, fast: bool
) -> None:
    assert surveyed(rows=rows, changes_per_day=changes).changes_fast is fast


def test_the_time_column_is_the_one_of_the_usual_name() -> None:
    table = a_table("t", "seen_at timestamptz", "created_at timestamp with time zone", "x text")

    assert time_column_of(table) == "created_at"
    assert time_column_of(a_table("t", "seen timestamp without time zone")) == "seen"
    assert time_column_of(a_table("t", "x text")) is None


def test_the_proposed_file_backs_up_everything_that_can_be() -> None:
    text = proposal(
        surveyed(),
        surveyed("log", has_key=False, needs_key=True, problem="no primary key", rows=None),
        surveyed("items", table="shop.items", schema_name="shop"),
    )

    policy = BackupPolicy.parse(text)
    assert policy.backup.includes("public", "orders")
    assert policy.backup.includes("shop", "items")
    assert not policy.backup.includes("public", "log")
    assert policy.retention.keep_within_days == 7
    assert "# public.log has no primary key: add one, or set SUPABASE_DB_URL" in text


def test_what_stands_in_the_way_is_a_comment_with_its_fix() -> None:
    text = proposal(surveyed("secret", problem="Permission denied", fix="GRANT SELECT\nON secret"))

    assert "# public.secret: Permission denied\n#   GRANT SELECT ON secret\n" in text
    assert BackupPolicy.parse(text).backup.includes("public", "secret")


def test_a_large_table_has_a_window_that_works_when_its_comment_is_removed() -> None:
    text = proposal(surveyed("events", bytes=50_000_000, time_column="created_at"))
    heading = text.index("# [[table]]")
    window = text[heading:].partition("\n\n")[0].replace("# ", "")

    [entry] = BackupPolicy.parse(window).table
    assert (entry.qualified_name, entry.last_days, entry.time_column) == (
        "public.events",
        90,
        "created_at",
    )


def test_a_table_that_changes_fast_is_named() -> None:
    assert "# public.orders changes fast: about 5,000 rows a day." in proposal(
        surveyed(changes_per_day=5000)
    )


def test_a_name_with_a_line_break_stays_a_comment() -> None:
    text = proposal(surveyed(table='public.a\nb = "x"', bytes=50_000_000, problem="x"))

    assert BackupPolicy.parse(text).table == []


def test_the_faster_engine_takes_less_time() -> None:
    tables = [surveyed(bytes=10**10)]
    times = [
        estimate(tables, e, plan="pro", schedule=NIGHTLY, keep_days=7, now=NOON).duration_seconds
        for e in (REST, POSTGRES)
    ]

    # the uploads, which are the same, decide for both
    assert times[0] == times[1] == 2 + 10**10 // (10 * 1024 * 1024)
