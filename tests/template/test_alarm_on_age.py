"""When the alarm on overdue backups rings, by CloudWatch's own rules."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.template.cloudwatch import HOUR, MINUTE, Alarm, Sample
from tests.template.conftest import MakeStack
from tests.template.stack import Stack

DAY = 24 * HOUR
BACKUP_MINUTES = 4
# what is not known of CloudWatch: how many periods further it looks back, and when a sample is seen
UNKNOWNS = [(0, 0), (2, 0), (2, 3), (5, 2)]


@pytest.fixture
def alarm(stack: Stack) -> Alarm:
    return Alarm.of(stack.properties("NoGoodBackupAlarm"))


def interval(stack: Stack) -> int:
    """How often the age is measured, in seconds."""
    expression = stack.properties("PruneFunctionMeasure")["ScheduleExpression"]
    minutes = re.fullmatch(r"rate\((\d+) minutes\)", expression)
    assert minutes is not None
    return int(minutes[1]) * MINUTE


def measured(
    started: list[float],
    until: float,
    every: int,
    offset: float,
    *,
    silent_from: float | None = None,
) -> list[Sample]:
    """What the functions write where good backups begin at these moments: 0 at the end of each, and
    the age of the newest one at each measurement.
    """
    ends = [(at + BACKUP_MINUTES * MINUTE, at) for at in started]
    samples = [(end, 0.0) for end, _ in ends]
    at = offset
    while at <= until:
        known = [begin for end, begin in ends if end <= at]
        if known:
            samples.append((at, at - max(known)))
        at += every
    last = until if silent_from is None else silent_from
    return [sample for sample in sorted(samples) if sample[0] <= last]


def ringing(
    alarm: Alarm, samples: list[Sample], begin: float, end: float, unknown: tuple[int, int]
) -> Iterator[float]:
    """The minutes at which the alarm rings, in seconds."""
    extra, delay_minutes = unknown
    recent = 2 * (alarm.evaluation_periods + extra + 1) * alarm.period
    now = begin
    while now <= end:
        seen = now - delay_minutes * MINUTE
        visible = [sample for sample in samples if now - recent < sample[0] <= seen]
        if alarm.rings(visible, now, extra_periods=extra):
            yield now
        now += MINUTE


TABLE_3_OF_3 = [
    "0-X-X OK OK",
    "0---- OK OK",
    "----- ALARM OK",
    "0XX-X ALARM ALARM",
    "--X-- ALARM OK",
]
TABLE_2_OF_3 = [
    "0-X-X ALARM ALARM", "00X0X ALARM ALARM", "0-X-- ALARM OK", "----0 ALARM OK", "---X- ALARM OK",
]  # fmt: skip


@pytest.mark.parametrize(
    ("row", "datapoints"), [(r, 3) for r in TABLE_3_OF_3] + [(r, 2) for r in TABLE_2_OF_3]
)
def test_the_model_decides_as_the_tables_of_cloudwatchs_guide_do(
    alarm: Alarm, row: str, datapoints: int
) -> None:
    """Data points with the newest on the right; the state where missing is breaching, and where not."""
    points, *states = row.split()
    newest_first = [{"0": False, "X": True, "-": None}[point] for point in reversed(points)]
    for missing_is_breaching, state in zip((True, False), states, strict=True):
        model = Alarm(
            **{
                **vars(alarm),
                "evaluation_periods": 3,
                "datapoints_to_alarm": datapoints,
                "missing_is_breaching": missing_is_breaching,
            }
        )
        assert model.rings_for(newest_first) is (state == "ALARM"), missing_is_breaching


@pytest.mark.parametrize("unknown", UNKNOWNS)
@pytest.mark.parametrize("hours", [2, 26, 192])
@pytest.mark.parametrize("offset_minutes", [0, 3, 9])
def test_it_rings_within_an_hour_of_its_limit_when_backups_stop(
    make_stack: MakeStack, hours: int, unknown: tuple[int, int], offset_minutes: int
) -> None:
    stack = make_stack(MaxBackupAgeHours=str(hours))
    alarm = Alarm.of(stack.properties("NoGoodBackupAlarm"))
    last, limit = DAY, DAY + hours * HOUR
    samples = measured([0.0, last], limit + 2 * HOUR, interval(stack), offset_minutes * MINUTE)
    first = next(ringing(alarm, samples, limit - HOUR, limit + 2 * HOUR, unknown), None)
    assert first is not None
    assert limit <= first <= limit + HOUR


@pytest.mark.parametrize("unknown", UNKNOWNS)
def test_it_is_quiet_as_long_as_each_night_has_a_good_backup(
    stack: Stack, alarm: Alarm, unknown: tuple[int, int]
) -> None:
    nights = [number * float(DAY) for number in range(4)]
    samples = measured(nights, 4 * DAY, interval(stack), 7 * MINUTE)
    assert [*ringing(alarm, samples, HOUR, 4 * DAY, unknown)] == []


@pytest.mark.parametrize("unknown", UNKNOWNS)
def test_it_rings_when_the_metric_stops_altogether(
    stack: Stack, alarm: Alarm, unknown: tuple[int, int]
) -> None:
    """As where the functions cannot start, or the schedules are gone."""
    silence = DAY + 5 * HOUR
    samples = measured([0.0, float(DAY)], 2 * DAY, interval(stack), 0, silent_from=silence)
    first = next(ringing(alarm, samples, silence, 2 * DAY, unknown), None)
    assert first is not None
    assert first - silence <= 2 * HOUR


@pytest.mark.parametrize("unknown", UNKNOWNS)
def test_it_is_quiet_again_minutes_after_a_good_backup(
    stack: Stack, alarm: Alarm, unknown: tuple[int, int]
) -> None:
    back = 3.0 * DAY
    samples = measured([0.0, back], back + DAY, interval(stack), 0)
    assert [*ringing(alarm, samples, back - MINUTE, back, unknown)]
    quiet_from = back + (BACKUP_MINUTES + 5) * MINUTE
    assert [*ringing(alarm, samples, quiet_from, back + DAY, unknown)] == []


def test_one_measurement_that_fails_rings_nothing(stack: Stack, alarm: Alarm) -> None:
    samples = measured([0.0], 12 * HOUR, interval(stack), 0)
    for lost in range(60, 66):
        left = [sample for number, sample in enumerate(samples) if number != lost]
        for unknown in UNKNOWNS:
            assert [*ringing(alarm, left, 9 * HOUR, 12 * HOUR, unknown)] == []


def test_it_rings_until_there_is_a_first_backup(alarm: Alarm) -> None:
    assert [*ringing(alarm, [], 0, HOUR, (2, 0))]


def test_its_periods_are_within_what_cloudwatch_accepts(alarm: Alarm) -> None:
    """A day at the most for periods below an hour (PutMetricAlarm)."""
    assert alarm.period % 60 == 0
    assert alarm.period * alarm.evaluation_periods <= DAY


def test_it_looks_at_the_metric_that_this_stacks_functions_write(
    stack: Stack, alarm: Alarm
) -> None:
    for function in ("BackupFunction", "PruneFunction"):
        variables = stack.properties(function)["Environment"]["Variables"]
        assert alarm.namespace == variables["POWERTOOLS_METRICS_NAMESPACE"]
        assert alarm.dimensions == [
            {"Name": "service", "Value": variables["POWERTOOLS_SERVICE_NAME"]}
        ]
    assert (alarm.metric, alarm.statistic) == ("NewestGoodBackupAge", "Minimum")
